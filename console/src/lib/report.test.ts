import { describe, expect, it } from 'vitest';

import { check, countries, draft, emptyReport, type ReportForm } from './report';

const form = (changes: Partial<ReportForm> = {}): ReportForm => ({ ...emptyReport(), title: 'A title', ...changes });
const fields = (changes: Partial<ReportForm>): string[] => check(form(changes)).map((p) => p.field);

describe('check', () => {
  it('finds nothing in a plain report', () => expect(check(form())).toEqual([]));

  it.each<[string, Partial<ReportForm>, string[]]>([
    ['no title', { title: '  ' }, ['title']],
    ['a long title', { title: '가'.repeat(201) }, ['title']],
    ['a long text', { text: 'x'.repeat(10_001) }, ['text']],
    ['a word that is no code', { relOther: 'GBR, Korea' }, ['relOther']],
    ['NOFORN beside a release list', { caveats: ['NOFORN'], relTo: ['USA'] }, ['caveats']],
    ['a name for a number', { objects: '29268, KOMPSAT' }, ['objects']],
    ['a number that is too large', { objects: '4294967296' }, ['objects']],
    ['half a place', { latitude: '37' }, ['latitude']],
    ['a place off the Earth', { latitude: '91', longitude: '0' }, ['latitude']],
    ['a place that is no number', { latitude: 'x', longitude: '0' }, ['latitude']],
    ['a local time', { start: '2026-03-10 12:00' }, ['start']],
    ['an end before the start', { start: '2026-03-10T12:00:00Z', end: '2026-03-10T11:00:00Z' }, ['end']],
  ])('names the field for %s', (_, changes, wanted) => expect(fields(changes)).toEqual(wanted));

  it('lets NOFORN stand without a list, and groups in the list', () => {
    expect(fields({ caveats: ['NOFORN'] })).toEqual([]);
    expect(fields({ relOther: 'nato, GBR' })).toEqual([]);
  });
});

describe('draft', () => {
  it('sends nothing that was not filled in', () => {
    expect(draft(form(), 'KOR')).toEqual({
      title: 'A title',
      text: null,
      severity: 2,
      confidence: 'moderate',
      likelihood: null,
      objects: [],
      place: null,
      marking: { level: 'RESTRICTED', rel_to: [], caveats: [], originator: 'KOR' },
      start: null,
      end: null,
      precedence: null,
    });
  });

  it('sends each country once, sorted, and objects by their number', () => {
    const full = form({ relTo: ['USA'], relOther: 'usa; gbr', objects: '029268, 40536', latitude: '37.5', longitude: '127' });
    expect(countries(full)).toEqual(['GBR', 'USA']);
    expect(draft(full, 'KOR')).toMatchObject({
      objects: [{ id: 'norad:29268' }, { id: 'norad:40536' }],
      place: { latitude_deg: 37.5, longitude_deg: 127 },
    });
  });
});
