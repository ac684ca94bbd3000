import type { AuditQuery, CallOptions } from '../client-options.ts';
import type { AuditEntry, AuditHead, AuditPage, AuditVerification } from '../event-types.ts';
import type { Checkpoint, Rollback } from '../guardian-types.ts';
import { jsonLines } from '../http/ndjson.ts';
import type { Requester } from '../http/requester.ts';
import type { Health, Stats } from '../types.ts';
import { get, post, remove, segment } from './calls.ts';

/** How the kernel is, and what it has recorded. */
export abstract class SystemRoutes {
  protected readonly requester: Requester;

  constructor(requester: Requester) {
    this.requester = requester;
  }

  /** Answers also when unhealthy; then `checks` says why. */
  health(options: CallOptions = {}): Promise<Health> {
    return this.requester.json({ ...get('/health', options.signal), accept: [503] });
  }

  stats(options: CallOptions = {}): Promise<Stats> {
    return this.requester.json(get('/system/stats', options.signal));
  }

  /** The newest entries of the audit log, or with `since` those after it; oldest first. */
  audit(query: AuditQuery = {}, options: CallOptions = {}): Promise<AuditPage> {
    return this.requester.json({ ...get('/system/audit', options.signal), query: { ...query } });
  }

  /** Has the kernel recompute the whole chain: takes time in proportion to its length, so there is no deadline. */
  verifyAudit(options: CallOptions = {}): Promise<AuditVerification> {
    const timeoutMs = Number.POSITIVE_INFINITY;
    return this.requester.json({ ...get('/system/audit/verify', options.signal), timeoutMs });
  }

  /** The signed head of the ledger: what to note down elsewhere. */
  auditHead(options: CallOptions = {}): Promise<AuditHead> {
    return this.requester.json(get('/system/audit/head', options.signal));
  }

  /**
   * The whole audit log, entry by entry as it arrives; what the generator returns in the end is their signed head. Leaving
   * the loop ends the download. To have it verified later, keep the lines as they came: see docs/ledger.md.
   */
  async *exportAudit(options: CallOptions = {}): AsyncGenerator<AuditEntry, AuditHead | undefined> {
    const { body } = await this.requester.stream(get('/system/audit/export', options.signal));
    for await (const line of jsonLines<AuditEntry | { head: AuditHead }>(body)) {
      if ('head' in line) return line.head;
      yield line;
    }
    return undefined;
  }

  /**
   * The whole colony as it is at this moment: pieces of text of any size, to be written to a file that `colonyos import` takes.
   * Unless the last line begins with `{"kind":"end"` something is missing; then this throws `ColonyNetworkError`.
   */
  async *exportColony(options: CallOptions = {}): AsyncGenerator<string, void> {
    const { body } = await this.requester.stream(get('/system/export', options.signal));
    yield* body;
  }

  createCheckpoint(label?: string, options: CallOptions = {}): Promise<Checkpoint> {
    return this.requester.json(
      post('/system/checkpoint', label === undefined ? {} : { label }, 'unsent', options.signal),
    );
  }

  /** Newest first. */
  listCheckpoints(options: CallOptions = {}): Promise<Checkpoint[]> {
    return this.requester.json(get('/system/checkpoints', options.signal));
  }

  async deleteCheckpoint(id: string, options: CallOptions = {}): Promise<void> {
    await this.requester.send(remove(`/system/checkpoints/${segment(id)}`, options.signal));
  }

  /**
   * Takes the colony back, or with `dryRun` says what that would come to. Takes time in proportion to what has changed, so
   * there is no deadline.
   */
  rollback(id: string, options: CallOptions & { dryRun?: boolean } = {}): Promise<Rollback> {
    const { dryRun, signal } = options;
    const call = post(`/system/rollback/${segment(id)}`, undefined, dryRun ? 'safe' : 'unsent', signal);
    return this.requester.json({ ...call, query: { dry_run: dryRun }, timeoutMs: Number.POSITIVE_INFINITY });
  }

  /** Prometheus text. */
  async metrics(options: CallOptions = {}): Promise<string> {
    return (await this.requester.send({ ...get('/metrics', options.signal), headers: { accept: 'text/plain' } })).body;
  }
}
