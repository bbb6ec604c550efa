import { onDestroy, untrack } from 'svelte';

import type { ApiError } from './api';
import { live } from './live.svelte';
import { asApiError } from './node.svelte';

/** Something fetched: its last value stays on screen while a newer one is on its way, and late answers to old questions are dropped. */
export class Loaded<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  #asked = 0;

  load(fetch: () => Promise<T>): Promise<void> {
    return untrack(() => this.#load(fetch));
  }

  async #load(fetch: () => Promise<T>): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const value = await fetch();
      if (asked === this.#asked) {
        this.value = value;
        this.error = null;
      }
    } catch (error) {
      if (asked !== this.#asked) return;
      this.error = asApiError(error);
      if (this.error.status === 401) live.end();
      // What was recalled or never was must not stay on screen.
      if (this.error.status === 404) this.value = null;
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }

  clear(): void {
    this.#asked += 1;
    this.value = null;
    this.error = null;
    this.loading = false;
  }
}

/**
 * Runs at the earliest `wait` after the first call, and once for all calls in between; never after its component is
 * gone. To be made while a component is.
 */
export function gather(run: () => void, wait: number): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  onDestroy(() => {
    if (timer !== null) clearTimeout(timer);
  });
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      run();
    }, wait);
  };
}
