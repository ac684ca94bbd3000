import { nodeProcess } from '../platform.ts';

/**
 * Calls `stop` at SIGTERM or SIGINT, once: a second signal finds no listener of ours and ends the process, as signals
 * do. Returns the function that stops listening.
 */
export function onTermination(stop: () => void): () => void {
  const process = nodeProcess();
  if (!process) return () => {};
  const off = () => {
    process.off('SIGTERM', once);
    process.off('SIGINT', once);
  };
  const once = () => {
    off();
    stop();
  };
  process.on('SIGTERM', once);
  process.on('SIGINT', once);
  return off;
}
