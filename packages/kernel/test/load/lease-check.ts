interface Entry {
  readonly id: number;
  readonly event_type: string;
  readonly details: { readonly task_id?: string; readonly lease_token?: number };
}

const ENDS_ATTEMPT = new Set([
  ...['task_completed', 'task_failed', 'task_timeout', 'task_cancelled'],
  ...['task_requeued', 'task_released', 'task_retry_scheduled'],
]);

/** invariants 3, 4 and 11, as far as the ledger shows them: ids without a gap, one holder at a time, tokens that grow. */
export function checkLeases(ndjson: string): string[] {
  const problems: string[] = [];
  const tokens = new Map<string, number>();
  const held = new Set<string>();
  let next: number | undefined;
  for (const line of ndjson.trimEnd().split('\n')) {
    const read = JSON.parse(line) as Entry | { readonly head: { readonly entries: number } };
    if ('head' in read) {
      if (read.head.entries + 1 !== next)
        problems.push(`the head is over ${read.head.entries} entries, and ${next} is next`);
      continue;
    }
    const { id, event_type, details } = read;
    if (next !== undefined && id !== next) problems.push(`entry ${id} stands where ${next} was due`);
    next = id + 1;
    const { task_id: taskId, lease_token: token } = details;
    if (taskId === undefined) continue;
    if (event_type === 'task_assigned') {
      if (held.has(taskId)) problems.push(`entry ${id}: task ${taskId} is assigned while it is held`);
      if (token! <= (tokens.get(taskId) ?? 0)) problems.push(`entry ${id}: the token of ${taskId} did not grow`);
      tokens.set(taskId, token!);
      held.add(taskId);
    } else if (ENDS_ATTEMPT.has(event_type)) held.delete(taskId);
  }
  return problems;
}
