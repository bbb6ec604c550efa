import { describe, expect, it } from 'vitest';

import { BYTES_PER_OBJECT, decodeStates, interpolate, knotsAround, segment, spacing, type States } from './states';

const MU = 398_600.4418;
const RADIUS_KM = 6878;
const RATE = Math.sqrt(MU / RADIUS_KM ** 3);

/** A circular orbit, `seconds` after it crossed the x axis. */
function circular(id: number, seconds: number): [number, number, number, number, number, number, number] {
  const u = RATE * seconds;
  const v = RADIUS_KM * RATE;
  return [id, RADIUS_KM * Math.cos(u), RADIUS_KM * Math.sin(u), 0, -v * Math.sin(u), v * Math.cos(u), 0];
}

function encode(rows: number[][]): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(rows.length * BYTES_PER_OBJECT));
  rows.forEach(([id = 0, ...numbers], k) => {
    view.setUint32(k * BYTES_PER_OBJECT, id, true);
    numbers.forEach((value, i) => view.setFloat32(k * BYTES_PER_OBJECT + 4 + 4 * i, value, true));
  });
  return view.buffer;
}

const at = (ids: number[], seconds: number): States =>
  decodeStates(encode(ids.map((id) => circular(id, seconds))), seconds * 1000);

describe('decodeStates', () => {
  it('reads little endian numbers in their order', () => {
    const states = decodeStates(encode([[4_294_967_295, 1.5, -2.5, 3.5, 0.25, -0.5, 7]]), 42);
    expect(states.at).toBe(42);
    expect([...states.ids]).toEqual([4_294_967_295]);
    expect([...states.position]).toEqual([1.5, -2.5, 3.5]);
    expect([...states.velocity]).toEqual([0.25, -0.5, 7]);
  });

  it('drops a torn last object and takes an empty answer', () => {
    const whole = encode([
      [1, 1, 2, 3, 4, 5, 6],
      [2, 1, 2, 3, 4, 5, 6],
    ]);
    expect([...decodeStates(whole.slice(0, 55), 0).ids]).toEqual([1]);
    expect(decodeStates(new ArrayBuffer(0), 0).ids.length).toBe(0);
  });
});

describe('segment', () => {
  it('keeps the objects that both knots hold', () => {
    const seg = segment(at([1, 3, 5, 7], 0), at([2, 3, 6, 7, 9], 60));
    expect([...seg.ids]).toEqual([3, 7]);
    expect([...seg.fromIndex]).toEqual([1, 3]);
    expect([...seg.toIndex]).toEqual([1, 3]);
  });
});

describe('interpolate', () => {
  const worst = (step: number): number => {
    const seg = segment(at([1], 0), at([1], step));
    const out = new Float32Array(3);
    let most = 0;
    for (let s = 0; s <= step; s += step / 40) {
      interpolate(seg, s * 1000, out);
      const [, x, y] = circular(1, s);
      most = Math.max(most, Math.hypot((out[0] ?? 0) - x, (out[1] ?? 0) - y, out[2] ?? 0));
    }
    return most;
  };

  it.each([
    // The node sends f32: a millimetre of rounding per metre of error does not matter here.
    [60, 0.005],
    [300, 0.3],
    [600, 4.5],
  ])('is near a 500 km orbit with knots %i s apart', (step, limit) => {
    expect(worst(step)).toBeLessThan(limit);
  });

  it('gives the knots themselves at both ends and holds them outside', () => {
    const seg = segment(at([1], 0), at([1], 60));
    const out = new Float32Array(3);
    interpolate(seg, 0, out);
    expect([...out]).toEqual([...seg.from.position]);
    interpolate(seg, 60_000, out);
    expect([...out]).toEqual([...seg.to.position]);
    interpolate(seg, 999_000, out);
    expect([...out]).toEqual([...seg.to.position]);
  });
});

describe('knots', () => {
  it('lie on whole multiples of the spacing, also before 1970', () => {
    expect(knotsAround(61_000, 60_000)).toEqual([60_000, 120_000]);
    expect(knotsAround(60_000, 60_000)).toEqual([60_000, 120_000]);
    expect(knotsAround(-1, 60_000)).toEqual([-60_000, 0]);
  });

  it('ask for no more than about one state a second at any speed', () => {
    for (const speed of [1, 60, 600]) expect(spacing(speed) / 1000 / speed).toBeGreaterThanOrEqual(1);
  });
});
