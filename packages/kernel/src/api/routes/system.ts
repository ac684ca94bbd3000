import { TASK_STATUSES } from '../../core/task.ts';
import { WORKER_STATUSES, type Worker, workerStatus } from '../../core/worker.ts';
import { sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { StatsSchema } from '../schemas/system.ts';

/** `/system/stats` and `/metrics`: how the colony is doing, for people and for machines. */
export function systemRoutes(api: Api, context: ApiContext): void {
  const { kernel, config, metrics } = context;

  api.get(
    '/system/stats',
    {
      config: { summary: 'How the colony is doing', tags: ['system'], policy: 'read', answers: { 200: StatsSchema } },
    },
    async (_request, reply) => {
      const { store } = kernel;
      const [counts, workers, ledger, limits] = await Promise.all([
        ...([store.survey(), store.workers(), store.ledger.span()] as const),
        kernel.guardian.limits(),
      ]);
      const tasks = Object.fromEntries(TASK_STATUSES.map((status) => [status, counts.tasks[status] ?? 0]));
      sendJson(
        reply,
        200,
        JSON.stringify({
          kernel: {
            queue_size: counts.tasks.queued,
            total_tasks: Object.values(tasks).reduce((sum, count) => sum + count, 0),
            task_counts: tasks,
            executing: counts.tasks.executing,
            max_concurrent_tasks: kernel.rules.maxConcurrentTasks,
            group_max_concurrent: kernel.rules.maxConcurrentPerGroup,
            limits: limits.map(({ id, capability, executing, maxConcurrent, rate }) => ({
              ...{ id, capability, executing, max_concurrent: maxConcurrent },
              ...{ per_second: rate?.perSecond ?? null, burst: rate?.burst ?? null },
            })),
            ledger_entries: ledger.last,
          },
          workers: { total: workers.length, by_status: countByStatus(workers) },
          tasks,
          uptime_seconds: Math.max(0, Date.now() - kernel.startedAt) / 1000,
          memory_type: config.memoryBackend,
          event_bus_type: config.eventBus,
        }),
      );
    },
  );

  api.get(
    '/metrics',
    {
      config: {
        summary: 'Prometheus metrics',
        tags: ['system'],
        policy: 'metrics',
        answers: { 200: { mediaType: 'text/plain', description: 'The Prometheus text format' } },
      },
    },
    async (_request, reply) => {
      const text = await metrics.render(kernel);
      reply.header('content-type', metrics.contentType).send(text);
    },
  );
}

export function countByStatus(workers: readonly Worker[]): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(WORKER_STATUSES.map((status) => [status, 0]));
  for (const worker of workers) counts[workerStatus(worker)]! += 1;
  return counts;
}
