import { createHash } from 'node:crypto';

/**
 * While a cluster moves a slot from node to node, a command for a key that is not there fails: within a script, after
 * what came before it was written. So each script asks for a key that never is there before it does anything.
 */
const GUARD = "redis.call('EXISTS', KEYS[1] .. ':nothing')";

/** A Lua script, run on the server in one piece; known to it by the SHA-1 of its text. `KEYS[1]` tells where. */
export class Script {
  readonly source: string;
  readonly sha: string;

  constructor(source: string) {
    this.source = `${GUARD}\n${source.trim()}`;
    this.sha = createHash('sha1').update(this.source).digest('hex');
  }
}
