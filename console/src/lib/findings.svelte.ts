import { untrack } from 'svelte';

import { api, type ApiError, type FindingView } from './api';
import type { LiveData } from './events';
import { live } from './live.svelte';
import { asApiError } from './node.svelte';

const PAGE = 200;
const MOST = 5000;
/** A few new items are fetched one by one; after a burst the lists are read again. */
const ONE_BY_ONE = 10;

/** All findings of some kinds, kept up to date by the event stream. */
export class Findings {
  items = $state.raw<FindingView[]>([]);
  loaded = $state(false);
  partial = $state(false);
  error = $state.raw<ApiError | null>(null);
  #asked = 0;
  #entriesSeen = 0;
  #reloading = false;
  #again = false;

  constructor(readonly kinds: readonly string[]) {}

  /** To be called from effects as well: what it reads must not call it again. */
  load(): Promise<void> {
    return untrack(() => this.#load());
  }

  async #load(): Promise<void> {
    if (this.#reloading) {
      this.#again = true;
      return;
    }
    this.#reloading = true;
    const asked = ++this.#asked;
    this.#entriesSeen = live.data.revision.entries;
    try {
      const found = new Map<string, FindingView>();
      let partial = false;
      for (const kind of this.kinds) {
        let cursor: string | null = null;
        do {
          const page = await api.findings(kind, cursor, PAGE);
          if (asked !== this.#asked) return;
          for (const item of page.items) if (!item.recalled) found.set(item.id, item);
          cursor = page.items.length > 0 ? page.next : null;
        } while (cursor !== null && found.size < MOST);
        partial ||= cursor !== null;
      }
      this.items = [...found.values()];
      this.partial = partial;
      this.loaded = true;
      this.error = null;
      // What the stream brought while the pages were on their way.
      void this.#follow(live.data);
    } catch (error) {
      this.error = asApiError(error);
      if (this.error.status === 401) live.end();
    } finally {
      this.#reloading = false;
      if (this.#again) {
        this.#again = false;
        void this.load();
      }
    }
  }

  /** To be called when the event stream moved. */
  follow(data: LiveData): Promise<void> {
    return untrack(() => this.#follow(data));
  }

  async #follow(data: LiveData): Promise<void> {
    if (!this.loaded) return;
    const entries = data.revision.entries - this.#entriesSeen;
    this.#entriesSeen = data.revision.entries;
    if (data.recalled.size > 0) {
      const kept = this.items.filter((f) => !data.recalled.has(f.id));
      if (kept.length < this.items.length) this.items = kept;
    }
    if (entries <= 0) return;
    if (entries > ONE_BY_ONE) return this.load();
    const known = new Set(this.items.map((f) => f.id));
    const fresh = data.arrivals.slice(0, entries).filter((a) => this.kinds.includes(a.kind) && !known.has(a.id));
    for (const { id } of fresh) {
      try {
        const item = await api.finding(id);
        if (!this.items.some((f) => f.id === id) && !live.data.recalled.has(id)) this.items = [item, ...this.items];
      } catch {
        // It may have been recalled between the event and the question; the next load tells.
      }
    }
  }
}
