import { untrack } from 'svelte';

import type { ApiError, Page } from './api';
import { asApiError } from './node.svelte';
import { live } from './live.svelte';

/** A list behind a cursor, loaded page by page and reloaded as far as it had been read. */
export class Pages<T> {
  items = $state.raw<T[]>([]);
  next = $state.raw<string | null>(null);
  loading = $state(false);
  loaded = $state(false);
  error = $state.raw<ApiError | null>(null);
  #asked = 0;

  constructor(readonly fetch: (cursor: string | null) => Promise<Page<T>>) {}

  async more(): Promise<void> {
    await this.#read(this.items, this.next, this.items.length + 1);
  }

  async reload(): Promise<void> {
    // Whoever reloads in an effect asks because something else moved: our own items must not start the next round.
    await this.#read([], null, untrack(() => this.items.length));
  }

  async #read(start: T[], cursor: string | null, atLeast: number): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      let items = start;
      let next = cursor;
      do {
        const page = await this.fetch(next);
        if (asked !== this.#asked) return;
        items = [...items, ...page.items];
        next = page.items.length > 0 ? page.next : null;
      } while (next !== null && items.length < atLeast);
      this.items = items;
      this.next = next;
      this.loaded = true;
      this.error = null;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.error = asApiError(error);
      if (this.error.status === 401) live.end();
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }
}
