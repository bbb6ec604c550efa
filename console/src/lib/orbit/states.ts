// The catalogue's states as the node sends them, and what lies between two of them.

/** All objects with a valid state at one time, sorted by catalogue number. */
export interface States {
  at: number;
  ids: Uint32Array;
  /** x, y, z in km, Earth-fixed, object after object. */
  position: Float32Array;
  /** d/dt of the position in km/s, so with the Earth's rotation in it. */
  velocity: Float32Array;
}

export const BYTES_PER_OBJECT = 28;

/** Little endian: u32 catalogue number, 3 x f32 km, 3 x f32 km/s. A torn last object is dropped. */
export function decodeStates(buffer: ArrayBuffer, at: number): States {
  const n = Math.floor(buffer.byteLength / BYTES_PER_OBJECT);
  const view = new DataView(buffer);
  const states: States = {
    at,
    ids: new Uint32Array(n),
    position: new Float32Array(3 * n),
    velocity: new Float32Array(3 * n),
  };
  for (let k = 0; k < n; k += 1) {
    const base = k * BYTES_PER_OBJECT;
    states.ids[k] = view.getUint32(base, true);
    for (let axis = 0; axis < 3; axis += 1) {
      states.position[3 * k + axis] = view.getFloat32(base + 4 + 4 * axis, true);
      states.velocity[3 * k + axis] = view.getFloat32(base + 16 + 4 * axis, true);
    }
  }
  return states;
}

/** Two knots with the objects that both hold. */
export interface Segment {
  from: States;
  to: States;
  ids: Uint32Array;
  /** Where object k of `ids` stands in `from` and in `to`. */
  fromIndex: Uint32Array;
  toIndex: Uint32Array;
}

/** A merge of two sorted lists: an object that decays between the knots is left out rather than guessed. */
export function segment(from: States, to: States): Segment {
  const most = Math.min(from.ids.length, to.ids.length);
  const ids = new Uint32Array(most);
  const fromIndex = new Uint32Array(most);
  const toIndex = new Uint32Array(most);
  let n = 0;
  for (let i = 0, j = 0; i < from.ids.length && j < to.ids.length; ) {
    const a = from.ids[i] ?? 0;
    const b = to.ids[j] ?? 0;
    if (a === b) {
      ids[n] = a;
      fromIndex[n] = i;
      toIndex[n] = j;
      n += 1;
    }
    if (a <= b) i += 1;
    if (b <= a) j += 1;
  }
  return { from, to, ids: ids.subarray(0, n), fromIndex: fromIndex.subarray(0, n), toIndex: toIndex.subarray(0, n) };
}

/**
 * Cubic Hermite between the knots, into `out` (x, y, z in km per object).
 * The error grows with the fourth power of the spacing: on a 500 km orbit about 0.4 m at 60 s, 0.3 km at 300 s, 4 km at 600 s.
 */
export function interpolate(seg: Segment, time: number, out: Float32Array): void {
  const span = (seg.to.at - seg.from.at) / 1000;
  const s = span > 0 ? Math.min(1, Math.max(0, (time - seg.from.at) / 1000 / span)) : 0;
  const s2 = s * s;
  const s3 = s2 * s;
  const h00 = 2 * s3 - 3 * s2 + 1;
  const h10 = (s3 - 2 * s2 + s) * span;
  const h01 = 3 * s2 - 2 * s3;
  const h11 = (s3 - s2) * span;
  const { position: p0, velocity: v0 } = seg.from;
  const { position: p1, velocity: v1 } = seg.to;
  for (let k = 0; k < seg.ids.length; k += 1) {
    const a = 3 * (seg.fromIndex[k] ?? 0);
    const b = 3 * (seg.toIndex[k] ?? 0);
    for (let axis = 0; axis < 3; axis += 1) {
      out[3 * k + axis] =
        h00 * (p0[a + axis] ?? 0) + h10 * (v0[a + axis] ?? 0) + h01 * (p1[b + axis] ?? 0) + h11 * (v1[b + axis] ?? 0);
    }
  }
}

/** Knot spacing for a play speed: wide enough for about one request a second at most. */
export function spacing(speed: number): number {
  return speed <= 1 ? 60_000 : speed <= 60 ? 300_000 : 600_000;
}

/** The two knots around a time, on whole multiples of the spacing. */
export function knotsAround(time: number, step: number): [number, number] {
  const from = Math.floor(time / step) * step;
  return [from, from + step];
}
