type Numbers = Uint32Array | Float64Array;

/** The same, or a longer copy, with room for so many. */
export function grown<T extends Numbers>(numbers: T, room: number): T {
  if (room <= numbers.length) return numbers;
  const Kind = numbers.constructor as new (length: number) => T;
  const longer = new Kind(Math.max(16, Math.ceil(room * 1.5)));
  longer.set(numbers as never);
  return longer;
}
