import { decodeStates, knotsAround, segment, type Segment, type States } from './states';

/** 14.7k objects take 0.4 MB a knot. */
const KEPT = 24;
const AT_ONCE = 2;
const RETRY_MS = 3000;

export type Fetch = (at: number) => Promise<ArrayBuffer>;

/** Keeps the last used knots, asks for those around the shown time, and for the next ones before they are needed. */
export class Knots {
  #states = new Map<number, States>();
  #pending = new Set<number>();
  #wanted: number[] = [];
  #segment: Segment | null = null;
  #generation = 0;
  #notBefore = 0;
  failed = false;

  constructor(
    readonly fetch: Fetch,
    readonly changed: () => void = () => undefined,
  ) {}

  /** The segment that holds `time`, or null while its knots are on their way. */
  at(time: number, step: number, ahead: boolean): Segment | null {
    const [from, to] = knotsAround(time, step);
    this.#wanted = ahead ? [from, to, to + step] : [from, to];
    this.#pump();
    const [a, b] = [this.#use(from), this.#use(to)];
    if (!a || !b) return null;
    if (this.#segment?.from !== a || this.#segment.to !== b) this.#segment = segment(a, b);
    return this.#segment;
  }

  /** After a new catalogue: nothing that is held or on its way counts any more. */
  clear(): void {
    this.#generation += 1;
    this.#states.clear();
    this.#pending.clear();
    this.#segment = null;
    this.#notBefore = 0;
    this.failed = false;
  }

  #use(at: number): States | undefined {
    const states = this.#states.get(at);
    if (states) {
      this.#states.delete(at);
      this.#states.set(at, states);
    }
    return states;
  }

  #pump(): void {
    if (Date.now() < this.#notBefore) return;
    for (const at of this.#wanted) {
      if (this.#pending.size >= AT_ONCE) return;
      if (!this.#states.has(at) && !this.#pending.has(at)) void this.#load(at);
    }
  }

  async #load(at: number): Promise<void> {
    const generation = this.#generation;
    this.#pending.add(at);
    try {
      const states = decodeStates(await this.fetch(at), at);
      if (generation !== this.#generation) return;
      this.#states.set(at, states);
      for (const oldest of this.#states.keys()) {
        if (this.#states.size <= KEPT) break;
        this.#states.delete(oldest);
      }
      this.failed = false;
    } catch {
      if (generation !== this.#generation) return;
      this.failed = true;
      this.#notBefore = Date.now() + RETRY_MS;
    } finally {
      if (generation === this.#generation) {
        this.#pending.delete(at);
        this.#pump();
        this.changed();
      }
    }
  }
}
