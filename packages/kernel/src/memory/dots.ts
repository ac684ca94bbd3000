/**
 * Dot products of small integers, the inner loop of every search by vector: in WebAssembly, sixteen at a time, where the
 * machine can do that, else in plain TypeScript. They are integers, so both give the same.
 */

/** @param codes rows of `stride` bytes each @param query as long as a row @param out one sum for each row */
export type Dots = (codes: Int8Array, stride: number, query: Int16Array, out: Int32Array) => void;

/** Rows are this long, or a multiple of it. */
export const STEP = 16;
/** So much is worked on at a time: it stays in the processor's own memory. */
const BLOCK_BYTES = 128 * 1024;
const PAGE_BYTES = 65_536;

export const plainDots: Dots = (codes, stride, query, out) => {
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0;
    for (let n = 0; n < stride; n++, at++) sum = (sum + Math.imul(codes[at]!, query[n]!)) | 0;
    out[row] = sum;
  }
};

/** The fastest there is here. */
export function fastDots(): Dots {
  return WebAssembly.validate(MODULE) ? wideDots() : plainDots;
}

/** What of it is used here: the types of Node leave it to browsers. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly dots: unknown } };
};

type Run = (code: number, query: number, out: number, outEnd: number, stride: number) => void;

function wideDots(): Dots {
  const memory = new WebAssembly.Memory({ initial: PAGES });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { m: memory } });
  const run = exports.dots as Run;
  return (codes, stride, query, out) => {
    if (stride > BLOCK_BYTES) return plainDots(codes, stride, query, out);
    const queryAt = BLOCK_BYTES;
    const outAt = queryAt + 2 * BLOCK_BYTES;
    new Int16Array(memory.buffer, queryAt, stride).set(query);
    const most = Math.floor(BLOCK_BYTES / stride);
    for (let row = 0; row < out.length; row += most) {
      const rows = Math.min(most, out.length - row);
      new Int8Array(memory.buffer, 0, rows * stride).set(codes.subarray(row * stride, (row + rows) * stride));
      run(0, queryAt, outAt, outAt + rows * 4, stride);
      out.set(new Int32Array(memory.buffer, outAt, rows), row);
    }
  };
}

/** A block, a query of two bytes for each of a row's, and a sum of four for each row of `STEP` bytes. */
const PAGES = (BLOCK_BYTES * 3 + (BLOCK_BYTES / STEP) * 4) / PAGE_BYTES + 1;

/** Instructions of WebAssembly, as its binary format writes them (webassembly.github.io/spec/core/binary). */
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const plus = (number: number) => [0x41, number, 0x6a];
const load = (offset: number) => [0xfd, 0x00, 0, offset];
const lane = (n: number) => [0xfd, 0x1b, n];
const ADD = [0x6a];
const LESS = [0x49];
const LOOP = [0x03, 0x40];
const AGAIN_IF = [0x0d, 0];
const END = [0x0b];
const STORE = [0x36, 2, 0];
const ZEROS = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const LOW_HALF = [0xfd, 0x87, 0x01]; // i16x8.extend_low_i8x16_s
const HIGH_HALF = [0xfd, 0x88, 0x01]; // i16x8.extend_high_i8x16_s
const DOT = [0xfd, 0xba, 0x01]; // i32x4.dot_i16x8_s
const ADD_WIDE = [0xfd, 0xae, 0x01]; // i32x4.add

const I32 = 0x7f;
const V128 = 0x7b;
const [CODE, QUERY, OUT, OUT_END, STRIDE, Q, ROW_END, SUM, BYTES] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;

// biome-ignore format: one line for each line of a program
const BODY = [
  ...LOOP,
  ...ZEROS, ...set(SUM),
  ...get(QUERY), ...set(Q),
  ...get(CODE), ...get(STRIDE), ...ADD, ...set(ROW_END),
  ...LOOP,
  ...get(SUM),
  ...get(CODE), ...load(0), ...tee(BYTES), ...LOW_HALF, ...get(Q), ...load(0), ...DOT, ...ADD_WIDE,
  ...get(BYTES), ...HIGH_HALF, ...get(Q), ...load(16), ...DOT, ...ADD_WIDE,
  ...set(SUM),
  ...get(Q), ...plus(32), ...set(Q),
  ...get(CODE), ...plus(16), ...tee(CODE), ...get(ROW_END), ...LESS, ...AGAIN_IF,
  ...END,
  ...get(OUT), ...[0, 1, 2, 3].flatMap((n) => [...get(SUM), ...lane(n), ...(n > 0 ? ADD : [])]), ...STORE,
  ...get(OUT), ...plus(4), ...tee(OUT), ...get(OUT_END), ...LESS, ...AGAIN_IF,
  ...END,
  ...END,
];

/** A part of a module, or of a list, with its length before it. */
const sized = (bytes: readonly number[]) => [
  ...(bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]),
  ...bytes,
];
const name = (text: string) => sized([...Buffer.from(text)]);

const MODULE = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, ...sized([1, 0x60, 5, I32, I32, I32, I32, I32, 0])],
  ...[2, ...sized([1, ...name('m'), ...name('m'), 2, 0, PAGES])],
  ...[3, ...sized([1, 0])],
  ...[7, ...sized([1, ...name('dots'), 0, 0])],
  ...[10, ...sized([1, ...sized([2, 2, I32, 2, V128, ...BODY])])],
]);
