/** The process that sends the same request over many keep-alive connections, as fast as answers come. */
import { HttpConnection, post } from '../lib/http-connection.ts';
import { play } from '../lib/processes.ts';
import { quantile } from '../lib/stats.ts';

export interface Load {
  readonly port: number;
  readonly path: string;
  readonly body: unknown;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadReport {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 2xx. */
  readonly refused: number;
}

play({
  async load({ port, path, body, connections, seconds }: Load): Promise<LoadReport> {
    const request = post(path, body);
    const waits: number[] = [];
    let refused = 0;
    const startedAt = performance.now();
    const end = startedAt + seconds * 1000;
    const one = async () => {
      const connection = await HttpConnection.open(port);
      for (let now = performance.now(); now < end; ) {
        const { status } = await connection.send(request);
        const then = performance.now();
        waits.push(then - now);
        if (status >= 300) refused++;
        now = then;
      }
      connection.close();
    };
    await Promise.all(Array.from({ length: connections }, one));
    const perSecond = (waits.length * 1000) / (performance.now() - startedAt);
    return { perSecond, p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), refused };
  },
});
