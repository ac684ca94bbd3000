import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ngramVector } from '../memory/embedders/ngrams.ts';

/** A request that the endpoint got. */
export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly model: string;
  readonly texts: readonly string[];
}

export type Behaviour = (asked: Asked, response: ServerResponse, nth: number) => void;

/** An OpenAI-compatible endpoint on this machine that answers well, or as badly as it is told to. */
export class FakeEmbeddings {
  readonly #server: Server;
  readonly asked: Asked[] = [];
  behave: Behaviour = answerWell;

  static async start(behave: Behaviour = answerWell): Promise<FakeEmbeddings> {
    const fake = new FakeEmbeddings();
    fake.behave = behave;
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/v1`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { model, input } = JSON.parse(body) as { model: string; input: string[] };
    const { authorization } = request.headers;
    const asked = { path: request.url ?? '', authorization, model, texts: input };
    this.behave(asked, response, this.asked.push(asked));
  }
}

/** What the endpoint has for a text. */
export function fakeVector(text: string): Float32Array {
  return ngramVector(text);
}

export function answerWell({ texts }: Asked, response: ServerResponse): void {
  answerWith(response, { data: texts.map((text, index) => ({ index, embedding: [...fakeVector(text)] })) });
}

export function answerWith(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** An error as OpenAI puts it. */
export function refuse(response: ServerResponse, status: number, message = 'no', headers = {}): void {
  answerWith(response, { error: { message, type: 'x', code: null } }, status, headers);
}
