/** The time the globe shows: not the time of day, but a place within the screened span that plays, pauses and is scrubbed. */
export const SPEEDS = [1, 60, 600] as const;
export type Speed = (typeof SPEEDS)[number];

const DAY_MS = 86_400_000;
/** How often the numbers on the page follow while the globe plays smoothly. */
const SHOWN_EVERY_MS = 200;

export class Clock {
  start = $state(0);
  end = $state(DAY_MS);
  playing = $state(false);
  speed = $state<Speed>(60);
  /** What the page shows; the globe reads `time`, which moves every frame. */
  shown = $state(0);

  #time = 0;
  #lastShown = 0;

  get time(): number {
    return this.#time;
  }

  setSpan(start: number, end: number): void {
    this.start = start;
    this.end = Math.max(end, start + 60_000);
  }

  /** A time outside the span moves the span: it then starts at that full hour and lasts a day. */
  seek(time: number): void {
    if (time < this.start || time > this.end) {
      const start = Math.floor(time / 3_600_000) * 3_600_000;
      this.setSpan(start, start + DAY_MS);
    }
    this.#time = time;
    this.shown = time;
  }

  toggle(): void {
    if (!this.playing && this.#time >= this.end) this.seek(this.start);
    this.playing = !this.playing;
  }

  advance(elapsedMs: number, wallMs: number): void {
    if (!this.playing) return;
    this.#time = Math.min(this.end, this.#time + elapsedMs * this.speed);
    if (this.#time >= this.end) this.playing = false;
    if (wallMs - this.#lastShown >= SHOWN_EVERY_MS || !this.playing) {
      this.#lastShown = wallMs;
      this.shown = this.#time;
    }
  }
}
