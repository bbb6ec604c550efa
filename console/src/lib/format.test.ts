import { describe, expect, it } from 'vitest';

import * as f from './format';

describe('times', () => {
  it('are UTC and say so', () => {
    expect(f.dateTime('2026-03-10T22:28:56.360123456Z')).toBe('2026-03-10 22:28:56Z');
    expect(f.dateTime('2026-03-11T07:28:56+09:00')).toBe('2026-03-10 22:28:56Z');
    expect(f.shortTime('2026-03-10T22:28:56Z')).toBe('03-10 22:28Z');
    expect(f.clockTime('2026-03-10T22:28:56Z')).toBe('22:28:56Z');
    expect(f.rfc3339(1_773_181_736_360)).toBe('2026-03-10T22:28:56Z');
    expect(f.rfc3339(1_773_181_736_360, 3)).toBe('2026-03-10T22:28:56.360Z');
  });

  it.each([null, undefined, 'nonsense', ''])('show a dash for %s', (time) => {
    expect(f.dateTime(time)).toBe('–');
    expect(f.shortTime(time)).toBe('–');
    expect(f.clockTime(time)).toBe('–');
  });

  it('keep the milliseconds of a nanosecond time', () => {
    expect(f.millis('2026-03-10T22:28:56.360999999Z') % 1000).toBe(360);
    expect(f.millis('x')).toBeNaN();
  });

  it('make a span as short as it can be', () => {
    const t = '2026-03-10T22:28:56Z';
    expect(f.span(t, t)).toBe('2026-03-10 22:28:56Z');
    expect(f.span(t, '2026-03-10T23:00:00Z')).toBe('2026-03-10 22:28:56Z – 23:00:00Z');
    expect(f.span(t, '2026-03-11T00:00:00Z')).toBe('2026-03-10 22:28:56Z – 2026-03-11 00:00:00Z');
  });

  it('count down and up', () => {
    expect(f.countdown(0, 8_073_000)).toBe('T−02:14:33');
    expect(f.countdown(10_000, 0)).toBe('T+00:00:10');
    expect(f.countdown(0, 90_000_000)).toBe('T−1d 01:00:00');
  });

  it.each([
    [84.4, '84 ms'],
    [2400, '2.4 s'],
    [720_000, '12 min'],
    [3 * 3_600_000, '3 h'],
    [258 * 86_400_000, '258 d'],
  ])('say %d ms as %s', (ms, text) => expect(f.duration(ms)).toBe(text));
});

describe('numbers', () => {
  it.each([
    [0.1534, '0.153'],
    [4.4398, '4.44'],
    [-3.5518, '−3.55'],
    [12.84, '12.8'],
    [1204.3, '1,204'],
    [0, '0'],
  ])('say %d as %s', (value, text) => expect(f.quantity(value)).toBe(text));

  it.each([
    [12, '12 B'],
    [2_218_339, '2.2 MB'],
    [999_999, '1.0 MB'],
    [45_000, '45 kB'],
  ])('say %d bytes as %s', (n, text) => expect(f.bytes(n)).toBe(text));

  it.each([
    ['miss_km', 'miss', 'km'],
    ['relative_speed_km_s', 'relative_speed', 'km/s'],
    ['delta_v_m_s', 'delta_v', 'm/s'],
    ['drift_deg_per_day', 'drift', '°/d'],
    ['duration_s', 'duration', 's'],
    ['score', 'score', ''],
  ])('split %s into what and unit', (field, name, unit) => expect(f.measure(field)).toEqual({ name, unit }));

  it('say long seconds as people do', () => {
    expect(f.measured(10_800, 's')).toEqual({ value: '3', unit: 'h' });
    expect(f.measured(42, 's')).toEqual({ value: '42.0', unit: 's' });
  });
});

describe('names', () => {
  it('find the catalogue number of an object', () => {
    expect(f.noradId('norad:29268')).toBe(29268);
    expect(f.noradId('norad:29268x')).toBeNull();
    expect(f.noradId('host:example')).toBeNull();
  });

  it('shorten hashes and write places', () => {
    expect(f.shortHash('a'.repeat(64))).toBe('aaaaaaaa');
    expect(f.coordinates(37.5665, -126.978)).toBe('37.566°N 126.978°W');
  });
});
