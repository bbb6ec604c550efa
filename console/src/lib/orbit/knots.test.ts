import { describe, expect, it } from 'vitest';

import { Knots } from './knots';
import { BYTES_PER_OBJECT } from './states';

const empty = (): ArrayBuffer => new ArrayBuffer(BYTES_PER_OBJECT);
const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 0));

describe('Knots', () => {
  it('asks for the two knots around a time, then for the one ahead, each once', async () => {
    const asked: number[] = [];
    const knots = new Knots((at) => {
      asked.push(at);
      return Promise.resolve(empty());
    });
    expect(knots.at(90_000, 60_000, true)).toBeNull();
    await settle();
    const first = knots.at(90_000, 60_000, true);
    expect(first?.from.at).toBe(60_000);
    expect(first?.to.at).toBe(120_000);
    expect(asked).toEqual([60_000, 120_000, 180_000]);
    expect(knots.at(119_000, 60_000, true)).toBe(first);
    expect(knots.at(130_000, 60_000, false)?.to.at).toBe(180_000);
    expect(asked.length).toBe(3);
  });

  it('has at most two questions open and forgets times that are no longer shown', async () => {
    const open: { at: number; answer: () => void }[] = [];
    const knots = new Knots((at) => new Promise((done) => open.push({ at, answer: () => done(empty()) })));
    for (let minute = 0; minute < 50; minute += 1) knots.at(minute * 60_000, 60_000, false);
    expect(open.map((o) => o.at)).toEqual([0, 60_000]);
    open.forEach((o) => o.answer());
    await settle();
    expect(open.slice(2).map((o) => o.at)).toEqual([49 * 60_000, 50 * 60_000]);
  });

  it('says when it failed and does not ask again at once', async () => {
    let asked = 0;
    let told = 0;
    const knots = new Knots(
      () => {
        asked += 1;
        return Promise.reject(new Error('no'));
      },
      () => (told += 1),
    );
    knots.at(0, 60_000, false);
    await settle();
    expect(knots.failed).toBe(true);
    expect(told).toBe(2);
    knots.at(0, 60_000, false);
    expect(asked).toBe(2);
  });

  it('drops what was on its way when the catalogue changed', async () => {
    const open: (() => void)[] = [];
    const knots = new Knots(() => new Promise((done) => open.push(() => done(empty()))));
    knots.at(0, 60_000, false);
    knots.clear();
    open.splice(0).forEach((answer) => answer());
    await settle();
    expect(knots.at(0, 60_000, false)).toBeNull();
    expect(open.length).toBe(2);
  });

  it('keeps a bounded number of knots', async () => {
    let asked = 0;
    const knots = new Knots(() => {
      asked += 1;
      return Promise.resolve(empty());
    });
    for (let minute = 0; minute < 60; minute += 1) {
      knots.at(minute * 60_000, 60_000, false);
      await settle();
    }
    const before = asked;
    knots.at(0, 60_000, false);
    expect(asked).toBeGreaterThan(before);
  });
});
