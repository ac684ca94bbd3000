import fc from 'fast-check';
import { entriesOf, hashOf, headOf, prevHashOf, rechained, together } from './exports.ts';

/** What was done, and where it must be found. An undefined id: that depends. */
export interface Deed {
  readonly what: string;
  readonly text: string | Buffer;
  readonly line: number;
  readonly id?: number | null;
}

/** Everything that may be done to an export of a ledger from entry 1 on. Positions are counted from 0. */
export function deeds(text: string): fc.Arbitrary<Deed> {
  const entries = entriesOf(text);
  const head = headOf(text);
  const n = entries.length;
  const whole = Buffer.from(text);
  const any = fc.nat(n - 1);
  const gap = fc.nat(n);
  const forge = (line: string) => line.replace(/"timestamp":"\d{4}/, '"timestamp":"1999');

  const altered = fc
    .tuple(fc.nat(whole.length - 2), fc.nat(255))
    .filter(([at, byte]) => whole[at] !== byte && byte !== 10 && whole[at] !== 10);
  return fc.oneof(
    altered.map(([at, byte]) => {
      const line = whole.subarray(0, at).toString('latin1').split('\n').length;
      const changed = Buffer.from(whole);
      changed[at] = byte;
      return { what: `byte ${at} is ${byte}`, text: changed, line, ...(line > 1 && line <= n && { id: line }) };
    }),
    fc.nat(whole.length - 2).map((length) => {
      const full = whole.subarray(0, length).toString('latin1').split('\n').length - 1;
      // Without its line feed a line is whole all the same.
      const line = full + (whole[length] === 10 ? 2 : 1);
      return { what: `cut to ${length} bytes`, text: whole.subarray(0, length), line };
    }),
    any.map((at) => ({
      what: `${at} removed`,
      text: together(entries.toSpliced(at, 1), head),
      line: at + 1,
      id: at + 1,
    })),
    any.map((kept) => ({
      what: `cut behind ${kept}`,
      text: together(entries.slice(0, kept), head),
      line: kept + 1,
      id: kept + 1,
    })),
    fc
      .tuple(any, any)
      .filter(([a, b]) => a < b)
      .map(([a, b]) => {
        const moved = entries.with(a, entries[b]!).with(b, entries[a]!);
        return {
          what: `${a} and ${b} change places`,
          text: together(moved, head),
          line: a + 1,
          ...(a > 0 && { id: a + 1 }),
        };
      }),
    fc.tuple(any, gap).map(([from, to]) => {
      const at = from === to ? to + 1 : to;
      const more = entries.toSpliced(to, 0, entries[from]!);
      return {
        what: `${from} again at ${to}`,
        text: together(more, head),
        line: at + 1,
        ...(at > 0 && { id: at + 1 }),
      };
    }),
    any.map((at) => {
      const line = rechained(forge(entries[at]!), prevHashOf(entries[at]!));
      return {
        what: `${at} rewritten, with its hash`,
        text: together(entries.with(at, line), head),
        line: at + 1,
        id: at + 1,
      };
    }),
    gap.map((at) => {
      const like = entries[Math.min(at, n - 1)]!.replace(/"id":\d+/, `"id":${at + 1}`);
      const line = rechained(forge(like), at === 0 ? '0'.repeat(64) : hashOf(entries[at - 1]!));
      return {
        what: `put in at ${at}`,
        text: together(entries.toSpliced(at, 0, line), head),
        line: at + 1,
        id: at + 1,
      };
    }),
    any.map((from) => {
      const chain = [...entries];
      for (let at = from; at < n; at++)
        chain[at] = rechained(forge(chain[at]!), at === 0 ? '0'.repeat(64) : hashOf(chain[at - 1]!));
      return { what: `all rewritten from ${from} on`, text: together(chain, head), line: n, id: n };
    }),
    gap.map((at) => ({
      what: `a blank line at ${at}`,
      text: together(entries.toSpliced(at, 0, ''), head),
      line: at + 1,
    })),
    fc.constantFrom(head, entries[0]!, '', ' ', '\n').map((more) => ({
      what: `${JSON.stringify(more.slice(0, 9))} behind the head`,
      text: `${text}${more}\n`,
      line: n + 2,
      id: null,
    })),
  );
}
