import { HttpConnection, post } from './http-connection.ts';

/** The parsed answer to a POST; throws when it is refused. */
export async function ask<T>(connection: HttpConnection, path: string, body: unknown): Promise<T> {
  const answer = await connection.send(post(path, body));
  if (answer.status >= 300) throw new Error(`POST ${path} answered ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body.toString()) as T;
}

/** Runs the same on so many connections at once. */
export async function onEach(
  port: number,
  connections: number,
  run: (connection: HttpConnection) => Promise<void>,
): Promise<void> {
  const one = async () => {
    const connection = await HttpConnection.open(port);
    await run(connection);
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, one));
}
