import { describe, expect, it } from 'vitest';

import type { Job } from './api';
import { ARRIVALS_KEPT, EMPTY, measured, parseEvent, reduce, without, type EntryEvent, type LiveEvent } from './events';

const entry = (id: string, more: Partial<EntryEvent> = {}): LiveEvent => ({
  type: 'entry',
  data: {
    seq: 1,
    id,
    kind: 'report.officer',
    title: `title of ${id}`,
    severity: 2,
    owner: { node: 'seoul', country: 'KOR' },
    committed: '2026-03-10T12:00:00Z',
    received: null,
    incident: false,
    ...more,
  },
});
const recall = (target: string): LiveEvent => ({ type: 'recall', data: { target, entry: `recall of ${target}` } });
const job = (state: Job['state'], done: number): LiveEvent => ({
  type: 'job',
  data: {
    job: { id: 1, kind: 'screen', title: '', state, done, total: 10, started: '', ended: null, message: null },
  },
});
const run = (...events: LiveEvent[]): ReturnType<typeof reduce> => events.reduce(reduce, EMPTY);

describe('reduce', () => {
  it('puts the newest item first and counts it', () => {
    const data = run(entry('a', { seq: 4 }), entry('b', { seq: 5, incident: true }));
    expect(data.arrivals.map((a) => a.id)).toEqual(['b', 'a']);
    expect(data.seq).toBe(5);
    expect(data.revision).toMatchObject({ entries: 2, incidents: 1 });
  });

  it('shows an item once that was sent again after a reconnect', () => {
    const once = run(entry('a'));
    expect(reduce(once, entry('a'))).toBe(once);
  });

  it('takes a recalled item away and never brings it back', () => {
    const data = run(entry('a'), entry('b'), recall('a'), entry('a', { seq: 9 }));
    expect(data.arrivals.map((a) => a.id)).toEqual(['b']);
    expect(data.recalled.has('a')).toBe(true);
    expect(data.revision.recalls).toBe(1);
  });

  it('does not show an item whose recall came first', () => {
    expect(run(recall('a'), entry('a')).arrivals).toEqual([]);
  });

  it('counts a recall once', () => {
    const once = run(recall('a'));
    expect(reduce(once, recall('a'))).toBe(once);
  });

  it('shows no recall entry as an arrival', () => {
    expect(run(entry('r', { kind: 'recall' })).arrivals).toEqual([]);
  });

  it('keeps a bounded strip', () => {
    const data = run(...Array.from({ length: ARRIVALS_KEPT + 9 }, (_, k) => entry(`e${k}`, { seq: k })));
    expect(data.arrivals.length).toBe(ARRIVALS_KEPT);
    expect(data.arrivals[0]?.id).toBe(`e${ARRIVALS_KEPT + 8}`);
  });

  it('keeps the last state of a link and of a job', () => {
    const data = run(
      { type: 'link', data: { peer: 'washington', state: 'down', acked: 1, log_size: 2 } },
      { type: 'link', data: { peer: 'washington', state: 'up', acked: 2, log_size: 2 } },
      job('running', 3),
      job('done', 10),
      job('running', 4),
    );
    expect(data.links['washington']?.state).toBe('up');
    expect(data.jobs[1]).toMatchObject({ state: 'done', done: 10 });
  });

  it('leaves its input alone', () => {
    const before = structuredClone({ ...EMPTY, recalled: [...EMPTY.recalled] });
    run(entry('a'), recall('a'), job('running', 1));
    expect({ ...EMPTY, recalled: [...EMPTY.recalled] }).toEqual(before);
  });
});

describe('latencies', () => {
  it('are noted once per item', () => {
    const data = measured(run(entry('a'), entry('b')), new Map([['a', 84]]));
    expect(data.arrivals.map((a) => a.latency_ms)).toEqual([null, 84]);
    expect(measured(data, new Map([['a', 999]])).arrivals[1]?.latency_ms).toBe(84);
  });

  it('go with the items that are gone', () => {
    expect(without(run(entry('a'), entry('b')), new Set(['b'])).arrivals.map((a) => a.id)).toEqual(['a']);
  });
});

describe('parseEvent', () => {
  it.each([
    ['entry', '{"id":"a","seq":1,"owner":{}}', true],
    ['entry', '{"seq":1,"owner":{}}', false],
    ['recall', '{"target":"a","entry":"b"}', true],
    ['link', '{"peer":"washington"}', true],
    ['job', '{"job":{}}', true],
    ['job', '{"job":1}', false],
    ['news', '{"id":"a"}', false],
    ['entry', 'not json', false],
    ['entry', 'null', false],
  ])('%s %s', (type, text, ok) => expect(parseEvent(type, text) !== null).toBe(ok));
});
