import { tick } from 'svelte';

import { api, ApiError } from './api';
import { EMPTY, measured, parseEvent, reduce, without, type LiveData, type LiveEvent } from './events';
import { millis } from './format';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'ended';

const EVENT_TYPES = ['entry', 'recall', 'link', 'job'] as const;
const RETRY_MS = [500, 1000, 2000, 4000];
/** One frame: an event alone is shown at once, a burst is shown once a frame. */
const BATCH_MS = 16;

class Live {
  state = $state<LiveState>('connecting');
  data = $state.raw<LiveData>(EMPTY);
  /** Moves when the stream had a gap: whoever holds a list loads it again. */
  resync = $state(0);

  #source: EventSource | null = null;
  #retries = 0;
  #opened = false;
  #gap = false;
  #queue: LiveEvent[] = [];
  #lastFlush = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /**
   * Resolves once the stream is open, or has failed for the first time. Lists are to be loaded after that: what is
   * committed while they load then comes over the stream, and nothing falls between the two.
   */
  start(): Promise<void> {
    return new Promise((tried) => this.#start(tried));
  }

  #start(tried: () => void = () => undefined): void {
    this.#source?.close();
    const source = new EventSource('/api/events');
    this.#source = source;
    source.onopen = () => {
      this.state = 'live';
      this.#retries = 0;
      if (this.#gap) void this.#afterGap();
      this.#opened = true;
      this.#gap = false;
      tried();
    };
    source.onerror = () => {
      this.#gap = true;
      tried();
      if (this.state === 'ended') return;
      this.state = this.#opened ? 'reconnecting' : 'connecting';
      // The browser retries by itself unless the answer was no event stream at all.
      if (source.readyState === EventSource.CLOSED) void this.#retry();
    };
    for (const type of EVENT_TYPES) {
      source.addEventListener(type, (message: MessageEvent<string>) => {
        const event = parseEvent(type, message.data);
        if (event) this.#take(event);
      });
    }
  }

  end(): void {
    this.state = 'ended';
    this.#source?.close();
  }

  async #retry(): Promise<void> {
    const wait = RETRY_MS[Math.min(this.#retries, RETRY_MS.length - 1)] ?? 4000;
    this.#retries += 1;
    await new Promise((done) => setTimeout(done, wait));
    try {
      await api.session();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return this.end();
    }
    if (this.state !== 'ended') this.#start();
  }

  #take(event: LiveEvent): void {
    this.#queue.push(event);
    if (this.#timer !== null) return;
    const wait = this.#lastFlush + BATCH_MS - performance.now();
    if (wait <= 0) this.#flush();
    else this.#timer = setTimeout(() => this.#flush(), wait);
  }

  #flush(): void {
    this.#timer = null;
    this.#lastFlush = performance.now();
    this.data = this.#queue.reduce(reduce, this.data);
    this.#queue = [];
    void this.#measure();
  }

  /** "Visible" is the frame after Svelte has put the item into the document. */
  async #measure(): Promise<void> {
    const fresh = this.data.arrivals.filter((a) => a.latency_ms === null);
    if (fresh.length === 0) return;
    await tick();
    requestAnimationFrame(() => {
      const now = Date.now();
      this.data = measured(this.data, new Map(fresh.map((a) => [a.id, now - millis(a.committed)])));
    });
  }

  async #afterGap(): Promise<void> {
    this.resync += 1;
    const gone = new Set<string>();
    for (const arrival of this.data.arrivals.filter((a) => !a.incident)) {
      try {
        await api.entry(arrival.id);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) gone.add(arrival.id);
        else break;
      }
    }
    this.data = without(this.data, gone);
  }
}

export const live = new Live();
