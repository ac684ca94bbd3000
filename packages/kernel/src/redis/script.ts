import { createHash } from 'node:crypto';

/** A Lua script, run on the server in one piece; known to it by the SHA-1 of its text. */
export class Script {
  readonly source: string;
  readonly sha: string;

  constructor(source: string) {
    this.source = source.trim();
    this.sha = createHash('sha1').update(this.source).digest('hex');
  }
}
