import { describe, expect, it } from 'vitest';

import type { ReleaseRequest } from './api';
import { hoursOf, isAsked, MAX_HOURS } from './release';

describe('release requests', () => {
  it.each([
    ['24', 24],
    [' 0.5 ', 0.5],
    ['1,5', 1.5],
    [String(MAX_HOURS), MAX_HOURS],
  ])('reads %j as hours', (text, hours) => expect(hoursOf(text)).toBe(hours));

  it.each(['', '0', '0.0', '-1', '1e3', 'abc', '24h', 'Infinity', String(MAX_HOURS + 1)])('takes %j for no number of hours', (text) =>
    expect(hoursOf(text)).toBeNull(),
  );

  it('are for others to answer when this node asks', () => {
    const request = { from: 'washington' } as ReleaseRequest;
    expect(isAsked(request, 'seoul')).toBe(true);
    expect(isAsked(request, 'washington')).toBe(false);
  });
});
