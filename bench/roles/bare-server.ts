/**
 * What `node:http` can do at most: reads and parses each body, answers it with an object as large as the kernel's
 * answer, and stores nothing.
 */
import { createServer } from 'node:http';
import { play } from '../lib/processes.ts';

play({
  async serve({ template }: { template: object }): Promise<{ port: number }> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as object;
        const answer = JSON.stringify({ ...template, ...body });
        response.writeHead(201, {
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(answer),
        });
        response.end(answer);
      });
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    return { port: (server.address() as { port: number }).port };
  },
});
