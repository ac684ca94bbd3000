/** Which embedder a kernel says that it has, and what keeps it from starting. */
import { expect, onTestFinished, test } from 'vitest';
import { FakeEmbeddings } from '../../src/testing/fake-embeddings.ts';
import { KernelProcess } from '../kernel-process.ts';

const IN_MEMORY = { COLONY_MEMORY_CONNECTION_STRING: ':memory:', COLONY_LOG_LEVEL: 'trace' };

async function started(env: Record<string, string>): Promise<KernelProcess> {
  const kernel = await KernelProcess.start({ ...IN_MEMORY, ...env });
  onTestFinished(async () => void (await kernel.end('SIGKILL')));
  return kernel;
}

test('it says at the start which embedder it has, and stops as ever', async () => {
  const kernel = await started({ COLONY_EMBEDDINGS_MODEL: 'ngrams' });
  await expect
    .poll(() => kernel.output)
    .toContain('"model":"ngrams:1","msg":"the embedder is n-grams, without a model"');
  expect(await kernel.end('SIGTERM')).toBe(0);
});

test('it says where texts go, and warns when others can read them; the key is not shown', async () => {
  const kernel = await started({
    COLONY_EMBEDDINGS_URL: 'http://embeddings.invalid/v1?secret=1',
    COLONY_EMBEDDINGS_MODEL: 'small',
    COLONY_EMBEDDINGS_API_KEY: 'sk-s3cret',
  });
  await expect
    .poll(() => kernel.output)
    .toContain('"model":"openai:small","msg":"the embedder is http://embeddings.invalid/v1/embeddings"');
  await expect.poll(() => kernel.output).toContain('COLONY_EMBEDDINGS_URL is not https');
  expect(kernel.output).not.toMatch(/sk-s3cret|secret=1/);
});

test('it does not start with an endpoint of which the model is not known', async () => {
  await expect(started({ COLONY_EMBEDDINGS_URL: 'https://embeddings.invalid/v1' })).rejects.toThrow(
    /colonyos: COLONY_EMBEDDINGS_MODEL "" is not allowed with COLONY_EMBEDDINGS_URL/,
  );
});

test('an endpoint that hangs does not keep it from stopping', async () => {
  const endpoint = await FakeEmbeddings.start(() => undefined);
  onTestFinished(() => endpoint.stop());
  const kernel = await started({
    COLONY_EMBEDDINGS_URL: endpoint.url,
    COLONY_EMBEDDINGS_MODEL: 'small',
    COLONY_EMBEDDINGS_API_KEY: 'sk-s3cret',
    COLONY_EMBEDDINGS_TIMEOUT_SECONDS: '300',
  });
  const put = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"value":1,"text":"a text"}' };
  expect((await fetch(`${kernel.url}/memory/s/a`, put)).status).toBe(201);
  await expect.poll(() => endpoint.asked.length).toBe(1);
  expect(await kernel.end('SIGTERM')).toBe(0);
  expect(kernel.output).not.toMatch(/bug|s3cret/);
});
