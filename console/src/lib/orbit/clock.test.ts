import { describe, expect, it } from 'vitest';

import { Clock } from './clock.svelte';

const T0 = Date.parse('2026-03-10T12:00:00Z');

function clock(): Clock {
  const c = new Clock();
  c.setSpan(T0, T0 + 86_400_000);
  c.seek(T0);
  return c;
}

describe('Clock', () => {
  it('runs at its speed and stops at the end of the span', () => {
    const c = clock();
    c.speed = 600;
    c.toggle();
    c.advance(1000, 1000);
    expect(c.time).toBe(T0 + 600_000);
    c.advance(1e9, 2000);
    expect(c.time).toBe(c.end);
    expect(c.playing).toBe(false);
    expect(c.shown).toBe(c.end);
  });

  it('starts over when played at the end', () => {
    const c = clock();
    c.seek(c.end);
    c.toggle();
    expect(c.time).toBe(T0);
    expect(c.playing).toBe(true);
  });

  it('stands still while paused', () => {
    const c = clock();
    c.advance(1000, 1000);
    expect(c.time).toBe(T0);
  });

  it('moves its span to a time outside of it', () => {
    const c = clock();
    c.seek(Date.parse('2026-11-23T07:25:13Z'));
    expect(c.start).toBe(Date.parse('2026-11-23T07:00:00Z'));
    expect(c.end - c.start).toBe(86_400_000);
    expect(c.time).toBe(Date.parse('2026-11-23T07:25:13Z'));
  });
});
