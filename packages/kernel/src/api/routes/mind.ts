import { type Explanation, waitingFor } from '../../body/mind-desk.ts';
import { timestamp } from '../../core/clock.ts';
import { Refusal } from '../../core/errors.ts';
import type { TaskInput } from '../../core/task.ts';
import { sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import type { Intake } from '../intake.ts';
import { sendRefusal } from '../problem.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { ExplanationSchema } from '../schemas/mind.ts';
import type { taskInput } from '../schemas/task.ts';

/** Why a task waits, who got it and why, and who would get one. */
export function mindRoutes(api: Api, context: ApiContext, intake: Intake, task: ReturnType<typeof taskInput>): void {
  const { kernel } = context;

  api.get(
    '/tasks/:id/explain',
    {
      schema: { params: IdParams },
      config: {
        summary: 'Why a task waits, or who got it and why',
        tags: ['mind'],
        policy: 'read',
        answers: { 200: ExplanationSchema, 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const answer = await kernel.mind.explain(request.params.id);
      if (answer instanceof Refusal) return sendRefusal(reply, answer);
      sendJson(reply, 200, renderExplanation(answer));
    },
  );

  api.post(
    '/mind/route',
    {
      schema: { body: task },
      config: {
        summary: 'What would become of a task, and who would get it; nothing is stored',
        tags: ['mind'],
        policy: 'submit',
        answers: { 200: ExplanationSchema },
      },
    },
    async (request, reply) => {
      const made = intake.newTask(request.body as TaskInput, request.principal.name, Date.now());
      if (made instanceof Refusal) return sendRefusal(reply, made);
      const answer = await kernel.mind.route(made);
      if (answer instanceof Refusal) return sendRefusal(reply, answer);
      sendJson(reply, 200, renderExplanation(answer));
    },
  );
}

function renderExplanation(explanation: Explanation): string {
  const { status, summary, waits, queuePosition, decision, candidates, candidatesTotal } = explanation;
  return JSON.stringify({
    ...{ status, summary, waiting_for: waitingFor(explanation) },
    waits: waits.map((wait) => ({
      waiting_for: wait.for,
      text: wait.text,
      until: time(wait.until),
      vote_id: wait.voteId,
      not_voted: wait.notVoted,
      dependencies: wait.dependencies,
    })),
    queue_position: queuePosition,
    decision: decision && {
      worker_id: decision.workerId,
      score: rounded(decision.score),
      decided_at: time(decision.decidedAt),
    },
    candidates: candidates.map(({ workerId, name, eligible, reasons, score, scores }) => ({
      worker_id: workerId,
      ...{ name, eligible, reasons, score: rounded(score) },
      scores: Object.fromEntries(Object.entries(scores).map(([term, value]) => [term, rounded(value)])),
    })),
    candidates_total: candidatesTotal,
  });
}

/** No more digits than are kept of a decision. */
function rounded(score: number | null): number | null {
  return score === null ? null : Math.round(score * 1000) / 1000;
}

function time(wallMs: number | null): string | null {
  return wallMs === null ? null : timestamp(wallMs);
}
