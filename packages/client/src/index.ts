export { ColonyClient } from './client.ts';
export type {
  AuditQuery,
  CallOptions,
  ClaimOptions,
  Failure,
  ProgressReport,
  SubmitManyOptions,
  SubmitOutcome,
  SubmitPlanOptions,
  TaskPage,
  TaskQuery,
} from './client-options.ts';
export type { SubmitOptions } from './coalescer.ts';
export { ColonyError, ColonyNetworkError, ColonyTimeoutError } from './errors.ts';
export * from './event-types.ts';
export { ColonyEvents, type EventsOptions, type EventsState } from './events.ts';
export * from './guardian-types.ts';
export type { ClientOptions } from './http/requester.ts';
export { ColonyMemory, ScopedMemory } from './memory.ts';
export * from './memory-types.ts';
export * from './mind-types.ts';
export * from './plan-types.ts';
export * from './types.ts';
export type { TaskContext, TaskHandler, WorkerOptions } from './worker/options.ts';
export { Worker } from './worker/worker.ts';
