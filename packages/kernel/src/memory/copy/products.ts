/**
 * Dot products of one vector with many, which JavaScript alone takes three times as long for: four numbers at a time, as
 * WebAssembly can where the machine has wide instructions. The program is so short that it is written down here, byte by byte.
 */

/** Vectors are filled up with zeros to a multiple of so many numbers: one round of the inner loop. */
export const ROUND = 16;

/**
 * The vector at `query`, `size` bytes long, times each of those that stand one behind the other from `row` to `end` (there is
 * one at least), as 32-bit floats to `out`. All are addresses, in bytes.
 */
export type Products = (query: number, row: number, end: number, size: number, out: number) => void;

const [I32, F32x4] = [0x7f, 0x7b];
const [QUERY, ROW, END, SIZE, OUT] = [0, 1, 2, 3, 4];
/** Where in the vector, and where it ends. */
const [AT, STOP] = [5, 6];
/** Four sums of four numbers each, so that none has to wait for the one before. */
const SUMS = [7, 8, 9, 10] as const;

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const I32_ADD = [0x6a];
const F32_ADD = [0x92];
const LOOP = [0x03, 0x40];
const END_BLOCK = [0x0b];
const F32_STORE = [0x38, 2, 0];
const simd = (operation: number, ...rest: readonly number[]) => [0xfd, ...unsigned(operation), ...rest];
const ZEROS = simd(0x0c, ...Array<number>(16).fill(0));
const loaded = (from: number, offset: number) => [...get(from), ...simd(0x00, 4, offset)];
const lane = (local: number, which: number) => [...get(local), ...simd(0x1f, which)];
const MULTIPLY = simd(0xe6);
const ADD = simd(0xe4);
/** By fewer than 64 bytes, or by 64. */
const advance = (local: number, by: number) => [...get(local), 0x41, ...(by < 64 ? [by] : [0xc0, 0x00]), ...I32_ADD];
/** Once more if the one is below the other. */
const againIfBelow = (limit: number) => [...get(limit), 0x49, 0x0d, 0];

const INNER = [
  ...LOOP,
  ...SUMS.flatMap((sum, n) => [
    ...get(sum),
    ...loaded(ROW, 16 * n),
    ...loaded(AT, 16 * n),
    ...MULTIPLY,
    ...ADD,
    ...set(sum),
  ]),
  ...[...advance(ROW, 64), ...set(ROW)],
  ...[...advance(AT, 64), ...tee(AT), ...againIfBelow(STOP)],
  ...END_BLOCK,
];

const [ONE, TWO, THREE, FOUR] = SUMS;
const BODY = [
  ...[2, 2, I32, 4, F32x4],
  ...LOOP,
  ...SUMS.flatMap((sum) => [...ZEROS, ...set(sum)]),
  ...[...get(QUERY), ...tee(AT), ...get(SIZE), ...I32_ADD, ...set(STOP)],
  ...INNER,
  ...[...get(ONE), ...get(TWO), ...ADD, ...get(THREE), ...get(FOUR), ...ADD, ...ADD, ...set(ONE)],
  ...get(OUT),
  ...[...lane(ONE, 0), ...lane(ONE, 1), ...F32_ADD, ...lane(ONE, 2), ...lane(ONE, 3), ...F32_ADD, ...F32_ADD],
  ...F32_STORE,
  ...[...advance(OUT, 4), ...set(OUT)],
  ...[...get(ROW), ...againIfBelow(END)],
  ...END_BLOCK,
  ...END_BLOCK,
];

const PROGRAM = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
  ...section(2, [1, ...name('room'), ...name('memory'), 2, 0, 1]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...name('products'), 0, 0]),
  ...section(10, [1, ...unsigned(BODY.length), ...BODY]),
]);

/** What of WebAssembly is used here. */
interface Assembly {
  validate(program: Uint8Array): boolean;
  readonly Memory: new (pages: { initial: number; maximum: number }) => Memory;
  readonly Module: new (program: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly products: Products } };
}

/** Memory that grows by pages of 64 KB; then its buffer is another one. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Assembly };

export function memoryOf(initial: number, maximum: number): Memory {
  return new WebAssembly.Memory({ initial, maximum });
}

/** The fastest there are here. They read from this memory, and write to it. */
export function productsIn(memory: Memory): Products {
  return WebAssembly.validate(PROGRAM) ? wideProducts(memory) : plainProducts(memory);
}

/** Summed up in 64 bits, so they are at least as exact. */
export function plainProducts(memory: Memory): Products {
  return (query, row, end, size, out) => {
    const numbers = new Float32Array(memory.buffer);
    const [first, count] = [query / 4, size / 4];
    for (let at = row / 4, to = out / 4; at < end / 4; at += count, to++) {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += numbers[at + n]! * numbers[first + n]!;
      numbers[to] = sum;
    }
  };
}

export function wideProducts(memory: Memory): Products {
  return new WebAssembly.Instance(new WebAssembly.Module(PROGRAM), { room: { memory } }).exports.products;
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...unsigned(bytes.length), ...bytes];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

/** As WebAssembly writes numbers: seven bits in each byte, the lowest first. */
function unsigned(number: number): number[] {
  return number < 0x80 ? [number] : [(number & 0x7f) | 0x80, ...unsigned(number >>> 7)];
}
