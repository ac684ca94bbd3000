import type { Assignment } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import { sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { releaseCommand } from '../outcomes.ts';
import { MAX_BACKLOG, queueFull } from '../overload.ts';
import { sendRefusal } from '../problem.ts';
import { renderAssignment } from '../render.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { AssignmentsSchema, ClaimInput } from '../schemas/worker.ts';
import { NEVER, whileConnected } from '../waiting.ts';

/** `POST /workers/{id}/claim`: a worker asks for work, and may wait for it. */
export function claimRoute(api: Api, context: ApiContext): void {
  const { kernel } = context;

  api.post(
    '/workers/:id/claim',
    {
      schema: { params: IdParams, body: ClaimInput },
      config: {
        summary: 'Take tasks, or wait for them',
        tags: ['leases'],
        policy: 'work',
        answers: { 200: AssignmentsSchema, 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { max_tasks = 1, wait_seconds = 0 } = request.body;
      if (kernel.backlog() > MAX_BACKLOG) return sendRefusal(reply, queueFull());
      const answer =
        wait_seconds === 0
          ? await kernel.workers.claim(id, max_tasks, 0, NEVER)
          : await whileConnected(reply, context.stopping, (signal) =>
              kernel.workers.claim(id, max_tasks, wait_seconds * 1000, signal),
            );
      if (answer instanceof Refusal) return sendRefusal(reply, answer);
      if (reply.raw.destroyed) await giveBack(answer);
      const now = Date.now();
      const expiresAt = kernel.workers.leaseExpiresAt(id);
      sendJson(reply, 200, `{"tasks":[${answer.map((each) => renderAssignment(each, expiresAt, now)).join(',')}]}`);
    },
  );

  /** The client went away while the assignment was being committed: the tasks need not wait for the lease to expire. */
  async function giveBack(assignments: readonly Assignment[]): Promise<void> {
    await Promise.all(
      assignments.map(({ task, token }) => kernel.execute(releaseCommand('kernel', task.id, { lease_token: token }))),
    );
  }
}
