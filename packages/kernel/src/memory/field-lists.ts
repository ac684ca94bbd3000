import { NUMBERS } from './fields.ts';
import { grown } from './grown.ts';

/** The fields of many rows, as numbers, one list behind the other. */
export class FieldLists {
  #rows = 0;
  #ends = new Uint32Array(0);
  #numbers = new Uint32Array(0);

  get bytes(): number {
    return this.#ends.byteLength + this.#numbers.byteLength;
  }

  /** Of the next row. @param fields see `fieldsOf` */
  append(fields: Uint8Array): void {
    const from = this.#from(this.#rows);
    const end = from + fields.length / 4;
    this.#numbers = grown(this.#numbers, end);
    new Uint8Array(this.#numbers.buffer, from * 4, fields.length).set(fields);
    this.#ends = grown(this.#ends, this.#rows + 1);
    this.#ends[this.#rows++] = end;
  }

  /** Whether a row has all that is wanted. */
  has(row: number, wanted: Uint32Array): boolean {
    if (wanted.length === 0) return true;
    const [numbers, from, end] = [this.#numbers, this.#from(row), this.#ends[row]!];
    for (let want = 0; want < wanted.length; want += NUMBERS) {
      let at = from;
      while (at < end && (numbers[at] !== wanted[want] || numbers[at + 1] !== wanted[want + 1])) at += NUMBERS;
      if (at >= end) return false;
    }
    return true;
  }

  #from(row: number): number {
    return row === 0 ? 0 : this.#ends[row - 1]!;
  }
}
