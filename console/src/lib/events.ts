// What the node's event stream does to the console's state: a pure function, so that order, doubles and recalls are tested without a browser.
import type { Job, LinkState, Owner, Severity } from './api';

export interface EntryEvent {
  seq: number;
  id: string;
  kind: string;
  title: string;
  severity: Severity | null;
  owner: Owner;
  committed: string;
  received: string | null;
  incident: boolean;
}
export interface RecallEvent {
  target: string;
  entry: string;
}
export interface LinkEvent {
  peer: string;
  state: LinkState;
  acked: number;
  log_size: number;
}
export type LiveEvent =
  | { type: 'entry'; data: EntryEvent }
  | { type: 'recall'; data: RecallEvent }
  | { type: 'link'; data: LinkEvent }
  | { type: 'job'; data: { job: Job } };

export interface Arrival extends EntryEvent {
  /** From the author's commit to the moment this page had drawn it; null until it is drawn. */
  latency_ms: number | null;
}

export interface LiveData {
  seq: number;
  arrivals: Arrival[];
  recalled: ReadonlySet<string>;
  links: Readonly<Record<string, LinkEvent>>;
  jobs: Readonly<Record<number, Job>>;
  /** How often each sort of thing changed: lists reload when theirs moves. */
  revision: { entries: number; incidents: number; recalls: number; links: number; jobs: number };
}

export const ARRIVALS_KEPT = 40;
/** A recall in the strip may only concern items the strip can still hold; the cap keeps a year of uptime from growing the set. */
const RECALLS_KEPT = 10_000;

export const EMPTY: LiveData = {
  seq: 0,
  arrivals: [],
  recalled: new Set(),
  links: {},
  jobs: {},
  revision: { entries: 0, incidents: 0, recalls: 0, links: 0, jobs: 0 },
};

export function reduce(data: LiveData, event: LiveEvent): LiveData {
  const revision = { ...data.revision };
  switch (event.type) {
    case 'entry': {
      const entry = event.data;
      // The node sends missed entries again after a reconnect; each shows once.
      if (data.arrivals.some((known) => known.id === entry.id)) return data;
      revision.entries += 1;
      if (entry.incident) revision.incidents += 1;
      const seq = Math.max(data.seq, entry.seq);
      if (entry.kind === 'recall' || data.recalled.has(entry.id)) return { ...data, seq, revision };
      const arrivals = [{ ...entry, latency_ms: null }, ...data.arrivals].slice(0, ARRIVALS_KEPT);
      return { ...data, seq, arrivals, revision };
    }
    case 'recall': {
      const { target } = event.data;
      if (data.recalled.has(target)) return data;
      revision.recalls += 1;
      const recalled = new Set([...data.recalled].slice(-(RECALLS_KEPT - 1)));
      recalled.add(target);
      return { ...data, recalled, arrivals: data.arrivals.filter((known) => known.id !== target), revision };
    }
    case 'link':
      revision.links += 1;
      return { ...data, links: { ...data.links, [event.data.peer]: event.data }, revision };
    case 'job': {
      const { job } = event.data;
      const before = data.jobs[job.id];
      // Progress may come out of order after a reconnect; an ended job never runs again.
      if (before && before.state !== 'running' && job.state === 'running') return data;
      revision.jobs += 1;
      return { ...data, jobs: { ...data.jobs, [job.id]: job }, revision };
    }
  }
}

/** The event of that name out of the stream's text, or null when it is not what it says it is. */
export function parseEvent(type: string, text: string): LiveEvent | null {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof data !== 'object' || data === null) return null;
  const has = (name: string, kind: string): boolean => typeof (data as Record<string, unknown>)[name] === kind;
  if (type === 'entry' && has('id', 'string') && has('seq', 'number') && has('owner', 'object')) {
    return { type, data: data as EntryEvent };
  }
  if (type === 'recall' && has('target', 'string')) return { type, data: data as RecallEvent };
  if (type === 'link' && has('peer', 'string')) return { type, data: data as LinkEvent };
  if (type === 'job' && has('job', 'object')) return { type, data: data as { job: Job } };
  return null;
}

/** Without the items that are no longer there, and with the latencies just measured. */
export function measured(data: LiveData, latencies: ReadonlyMap<string, number>): LiveData {
  const arrivals = data.arrivals.map((a) => {
    const latency = latencies.get(a.id);
    return latency === undefined || a.latency_ms !== null ? a : { ...a, latency_ms: latency };
  });
  return { ...data, arrivals };
}

export function without(data: LiveData, gone: ReadonlySet<string>): LiveData {
  return gone.size === 0 ? data : { ...data, arrivals: data.arrivals.filter((a) => !gone.has(a.id)) };
}
