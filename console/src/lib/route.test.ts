import { describe, expect, it } from 'vitest';

import { formatRoute, link, parseRoute, withParams } from './route';

describe('routes', () => {
  it.each([
    '#/watch',
    '#/watch?a=abc&q=KOMPSAT%203&t=2026-03-10T12:00:00Z',
    '#/incident/0a1b?f=ff&page=2',
    '#/finding/0a1b',
    '#/sharing',
    '#/sharing/washington?tab=withheld',
    '#/record?tab=jobs',
    '#/search?as=washington&q=drift',
    '#/policy',
  ])('%s survives reading and writing', (hash) => expect(formatRoute(parseRoute(hash))).toBe(hash));

  it.each(['', '#', '#/', '#/nowhere', '#/incident', '#/finding/', '#main', '#/%E0%A4%A'])(
    '%s falls back to the watch page',
    (hash) => expect(parseRoute(hash).page).toBe('watch'),
  );

  it('takes no id where a page has none', () => {
    expect(parseRoute('#/record/x')).toEqual({ page: 'record', id: null, params: {} });
  });

  it('keeps odd characters of an id', () => {
    const route = parseRoute(link('sharing', 'a b/c?d'));
    expect(route.id).toBe('a b/c?d');
    expect(parseRoute('#/sharing/%E0%A4%A').id).toBe('%E0%A4%A');
  });

  it('changes some parameters and drops empty ones', () => {
    const route = parseRoute('#/watch?a=1&q=x');
    expect(formatRoute(withParams(route, { a: null, q: '', t: 'now' }))).toBe('#/watch?t=now');
    expect(formatRoute(route)).toBe('#/watch?a=1&q=x');
  });
});
