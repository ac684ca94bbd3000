import { isDeepStrictEqual } from 'node:util';
import { readArchive, verifyArchive } from '../../src/archive/read.ts';
import type { Store } from '../../src/core/store.ts';
import type { Task } from '../../src/core/task.ts';
import { CapCheck, type Caps } from '../../src/testing/cap-check.ts';
import {
  checkExport,
  readMemory,
  readPlans,
  readSchedules,
  readTasks,
  readVotes,
} from '../../src/testing/export-check.ts';
import type { SeenVote } from '../../src/testing/replay.ts';
import type { SeenPlan } from '../../src/testing/replay-plans.ts';
import { checkLeases } from './lease-check.ts';
import type { Loader } from './loader.ts';
import { REMEMBERED } from './rememberer.ts';
import { SCHEDULED } from './scheduler.ts';
import { MOST_OF_GROUP, type Told } from './told.ts';
import { Trail } from './trail.ts';

interface WireTask {
  readonly id: string;
  readonly description: string;
  readonly status: Task['status'];
  readonly pending_reason: Task['pendingReason'];
  readonly result: unknown;
  readonly plan_id: string | null;
  readonly payload: unknown;
}

interface WirePlan extends Pick<SeenPlan, 'id' | 'status' | 'counts'> {
  readonly progress: { readonly total: number };
  readonly tasks: Readonly<Record<string, string>>;
}

function seenPlan({ progress, ...plan }: WirePlan): SeenPlan {
  return { ...plan, total: progress.total };
}

interface WireEntry {
  readonly id: number;
  readonly event_type: Parameters<Trail['follow']>[0]['type'];
  readonly source: Parameters<Trail['follow']>[0]['source'];
  readonly actor: string;
  readonly details: { readonly task_id?: string; readonly worker_id?: string };
  readonly timestamp: string;
}

/**
 * A colony at rest, seen from outside: what it shows is what its ledger comes to, and the ledger has all that clients were
 * told. Then it goes back to a checkpoint once more, with nobody about, when every figure can be known beforehand. Answers
 * the ledger as it is at the end; what is wrong is in its problems, and in the caller's.
 */
export async function checkShown(load: Loader): Promise<Trail> {
  const { caller, told } = load;
  // What is seen from here on may come behind what is verified: workers that have gone are missed only now.
  const seen = load.seen.length;
  const at = load.seen.findIndex((id, index) => id !== index + 1);
  const trail = await readExport(load);
  const { problems } = trail;
  if (at >= 0) problems.push(`invariant 12: the stream gave ${load.seen[at]} where ${at + 1} was due`);
  const { valid, entries } = (await caller.get('/system/audit/verify')).body as { valid: boolean; entries: number };
  if (!valid) problems.push('invariant 11: the ledger does not verify');
  if (entries < seen) problems.push(`invariant 12: ${seen} events were seen, the ledger has ${entries}`);
  trail.checkTold(told);
  trail.checkEnded(told);
  await checkTasks(load, trail);
  await checkScheduled(load, trail);
  trail.replay.memory.compare(await load.rememberer.all(), REMEMBERED);
  await checkGuardian(load, trail);
  await checkKeys(load, trail);
  for (const text of told.exports) await checkFile(text, problems);
  problems.push(...(await goBackInPeace(load)));
  const end = await readExport(load);
  end.checkTold(told);
  end.problems.unshift(...problems);
  return end;
}

/** The ledger as it is handed out. */
async function readExport({ caller, told }: Loader): Promise<Trail> {
  const ndjson = await caller.text('/system/audit/export');
  const trail = new Trail();
  const caps = new CapCheck(capsOn(told), trail.replay, (text) => trail.problems.push(text));
  trail.problems.push(...checkLeases(ndjson));
  for (const line of ndjson.trimEnd().split('\n').slice(0, -1)) {
    const { id, event_type: type, source, actor, details, timestamp } = JSON.parse(line) as WireEntry;
    const about = { taskId: details.task_id ?? null, workerId: details.worker_id ?? null };
    trail.follow({ id, type, source, actor, data: JSON.stringify(details), at: Date.parse(timestamp), ...about });
    caps.follow({ id, type, ...about });
  }
  return trail;
}

/** Each group may have so many, as far as it is known whose a task is. */
function capsOn({ submissions }: Told): Caps {
  const groups = new Map<string, string>();
  for (const { body, ids } of submissions.values()) {
    const { group } = body as { group?: string };
    if (group !== undefined) for (const id of ids) groups.set(id, group);
  }
  return { poolsOf: (taskId) => (groups.has(taskId) ? [groups.get(taskId)!] : []), most: () => MOST_OF_GROUP };
}

/** Each task is what the ledger says, in its words and its result what was acknowledged, and has ended. */
async function checkTasks({ caller, told }: Loader, { replay, problems }: Trail): Promise<void> {
  const all = await caller.all<WireTask>('/tasks?limit=1000');
  const tasks = new Map(all.map((task) => [task.id, { ...task, pendingReason: task.pending_reason }]));
  const votes = await caller.all<SeenVote>('/votes?limit=1000');
  const plans = await caller.all<WirePlan>('/plans?limit=1000');
  replay.compare(tasks, votes, plans.map(seenPlan));
  for (const { id, status } of votes) if (status === 'open') problems.push(`invariant 18: vote ${id} is still open`);
  for (const { id, status, result, plan_id, payload } of all) {
    if (['pending', 'queued', 'executing'].includes(status))
      problems.push(`invariant 18: task ${id} is still ${status}`);
    if (status !== 'completed') continue;
    if (plan_id !== null && JSON.stringify(payload).includes('$result'))
      problems.push(`invariant 8: ${id} was done without the result it refers to`);
    const token = replay.tasks.get(id)?.token;
    const known = told.completed.get(`${id} ${token}`);
    const isOwn = (result as { token?: number } | null)?.token === token;
    if (!isOwn || (known !== undefined && !isDeepStrictEqual(result, known)))
      problems.push(`invariant 1: the completion of ${id} under ${token} has become ${JSON.stringify(result)}`);
  }
  const { kernel } = (await caller.get('/system/stats')).body as { kernel: { total_tasks: number } };
  if (kernel.total_tasks !== replay.tasks.size)
    problems.push(`invariant 10: ${kernel.total_tasks} tasks are counted, the ledger comes to ${replay.tasks.size}`);
}

/** What schedules have handed in is what the ledger says they have, as long as no rollback has taken it away. */
async function checkScheduled({ caller, scheduler }: Loader, { replay, problems }: Trail): Promise<void> {
  replay.schedules.compare(await scheduler.all());
  const there = await caller.all<WireTask>(`/tasks?limit=1000&tag=${SCHEDULED}`);
  for (const { id } of there)
    if (!replay.schedules.tasks.has(id)) problems.push(`task ${id} was handed in by no firing of a schedule`);
  const missing = [...replay.schedules.tasks].filter((id) => replay.tasks.has(id)).length - there.length;
  if (missing !== 0) problems.push(`${missing} tasks that schedules have handed in are gone`);
}

/** The policy is the last one, and there are the checkpoints that the ledger tells of. */
async function checkGuardian({ caller, told }: Loader, { policyVersion, checkpoints, problems }: Trail): Promise<void> {
  const { version, rules } = (await caller.get('/guardian/policy')).body as { version: number; rules: unknown };
  const known = told.policies.get(version);
  if (version !== policyVersion) problems.push(`policy ${version} is in force, the ledger says ${policyVersion}`);
  if (known !== undefined && JSON.stringify({ version, rules }) !== known)
    problems.push(`policy ${version} is not what was put`);
  const listed = (await caller.get('/system/checkpoints')).body as { checkpoint_id: string; event_id: number }[];
  const shown = Object.fromEntries(listed.map(({ checkpoint_id: id, event_id: entry }) => [id, entry]));
  if (!isDeepStrictEqual(shown, Object.fromEntries(checkpoints)))
    problems.push(`there are the checkpoints ${Object.keys(shown)}, the ledger says ${[...checkpoints.keys()]}`);
}

/** A key gives the task it gave before, unless a rollback has taken that away: then it is as good as new. */
async function checkKeys({ caller, told, planner }: Loader, { replay, problems }: Trail): Promise<void> {
  for (const [key, { body, ids }] of [...told.plans]) {
    const before = [...ids];
    const { id } = await planner.hand(key, body);
    const there = before.find((known) => replay.plans.has(known));
    if (there === undefined ? before.includes(id) : id !== there)
      problems.push(`invariant 2: key ${key} gave plan ${before.join(', ')} and now gives ${id}`);
  }
  for (const [key, { body, ids }] of [...told.submissions]) {
    const answer = await caller.call('/tasks', { method: 'POST', body, headers: { 'idempotency-key': key } });
    const { id } = answer.body as { id: string };
    const there = ids.find((known) => replay.tasks.has(known));
    if (there === undefined ? ids.includes(id) : id !== there)
      problems.push(`invariant 2: key ${key} gave ${ids.join(', ')} and now gives ${id}`);
    told.submitted(key, body, id);
  }
}

/** What was exported on the way is whole, and was a colony. */
async function checkFile(text: string, problems: string[]): Promise<void> {
  async function* bytes(): AsyncGenerator<Buffer> {
    yield Buffer.from(text);
  }
  const { seal } = await verifyArchive(bytes(), null);
  await checkExport(await Array.fromAsync(readArchive(bytes(), seal)), (problem) => problems.push(problem));
}

/** What a dry run and a list of the differences say beforehand is what a rollback then does. */
async function goBackInPeace(load: Loader): Promise<string[]> {
  const [operator] = load.operators;
  const problems: string[] = [];
  const listed = (await load.caller.get('/system/checkpoints')).body as { checkpoint_id: string }[];
  for (const { checkpoint_id: id } of [listed.at(-1), listed[0]].filter((one) => one !== undefined)) {
    const foretold = await operator!.dryRun(id);
    // One that an export had made whose kernel was killed goes by itself.
    if (foretold === null) continue;
    const differences = await operator!.differences(id);
    const tasks = differences.filter(({ kind }) => kind === 'task');
    const counted = {
      removed: tasks.filter(({ to }) => to === null).length,
      restored: tasks.filter(({ to }) => to !== null).length,
      requeued: 0,
    };
    if (!isDeepStrictEqual({ ...foretold.tasks }, counted))
      problems.push(`a dry run says ${JSON.stringify(foretold.tasks)}, the differences ${JSON.stringify(counted)}`);
    const since = await newest(load);
    const done = await operator!.goBack(id);
    // Schedules that are back go on.
    await load.scheduler.pauseAll();
    if (!isDeepStrictEqual(done, foretold))
      problems.push(`a dry run says ${JSON.stringify(foretold)}, the rollback ${JSON.stringify(done)}`);
    const fired = await firedSince(load, since);
    const left = (await operator!.differences(id)).filter(
      (one) => one.kind !== 'schedule' && !fired.has(one.id),
    ).length;
    if (left > 0) problems.push(`invariant 13: ${left} differences are left after a rollback`);
  }
  return problems;
}

/** The number of the newest entry. */
async function newest({ caller }: Loader): Promise<number> {
  const { entries } = (await caller.get('/system/audit?limit=1')).body as { entries: WireEntry[] };
  return entries.at(-1)!.id;
}

/** The tasks that schedules have handed in after this entry. */
async function firedSince({ caller }: Loader, since: number): Promise<ReadonlySet<string>> {
  const path = `/system/audit?event_type=schedule_fired&since=${since}&limit=1000`;
  const { entries } = (await caller.get(path)).body as { entries: WireEntry[] };
  return new Set(entries.map(({ details }) => details.task_id!));
}

/** The same of what is stored, when no kernel runs. */
export async function checkStored(store: Store, trail: Trail): Promise<void> {
  const { problems, replay, quarantined } = trail;
  replay.compare(await readTasks(store), await readVotes(store), await readPlans(store));
  replay.schedules.compare(await readSchedules(store));
  replay.memory.compare(await readMemory(store), REMEMBERED);
  for (const { id, quarantine } of await store.workers()) {
    // How a trial ended is not told by an entry of its own.
    if (quarantined.get(id) !== 'on trial' && quarantined.has(id) !== (quarantine !== null))
      problems.push(`worker ${id} is ${quarantine ? '' : 'not '}in quarantine, the ledger has it otherwise`);
  }
}

/** What may never go back, whatever happens to a colony: the versions of its records, and the tokens of its tasks. */
export class Heights {
  readonly #highest = new Map<string, number>();

  async climb(store: Store, problems: string[]): Promise<void> {
    for (const { id, version, leaseToken } of (await readTasks(store)).values()) {
      this.#step(`the version of ${id}`, version, problems);
      this.#step(`the token of ${id}`, leaseToken, problems);
    }
    const { version = 0 } = (await store.document('policy', 'current')) ?? {};
    this.#step('the version of the policy', version, problems);
  }

  #step(what: string, height: number, problems: string[]): void {
    const before = this.#highest.get(what) ?? 0;
    if (height < before) problems.push(`invariant 4: ${what} went back from ${before} to ${height}`);
    this.#highest.set(what, Math.max(before, height));
  }
}
