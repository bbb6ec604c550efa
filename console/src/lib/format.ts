// Every date on screen is UTC and says so with a Z, in both languages.

/** Milliseconds since 1970 of an RFC 3339 time; the node's nanoseconds are cut to milliseconds. NaN when it is none. */
export function millis(time: string): number {
  return Date.parse(time.replace(/(\.\d{3})\d+/, '$1'));
}

/** RFC 3339 to the second, or to the millisecond when asked. */
export function rfc3339(ms: number, digits: 0 | 3 = 0): string {
  const text = new Date(ms).toISOString();
  return digits === 3 ? text : `${text.slice(0, 19)}Z`;
}

function stamp(time: string | number | null | undefined): string | null {
  if (time === null || time === undefined) return null;
  const ms = typeof time === 'number' ? time : millis(time);
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : null;
}

/** `2026-03-10 22:28:56Z`, or an en dash when there is no time. */
export function dateTime(time: string | number | null | undefined): string {
  const text = stamp(time);
  return text ? `${text.slice(0, 10)} ${text.slice(11, 19)}Z` : '–';
}

/** `03-10 22:28Z`: for dense rows whose year is plain from the page. */
export function shortTime(time: string | number | null | undefined): string {
  const text = stamp(time);
  return text ? `${text.slice(5, 10)} ${text.slice(11, 16)}Z` : '–';
}

/** `22:28:56Z`. */
export function clockTime(time: string | number | null | undefined): string {
  const text = stamp(time);
  return text ? `${text.slice(11, 19)}Z` : '–';
}

/** `2026-03-10 22:28:56Z – 23:10:00Z`; one time when both ends are the same second; the date is repeated only if it differs. */
export function span(start: string, end: string): string {
  const [a, b] = [dateTime(start), dateTime(end)];
  if (a === b || b === '–') return a;
  return a.slice(0, 10) === b.slice(0, 10) ? `${a} – ${b.slice(11)}` : `${a} – ${b}`;
}

/** `T−02:14:33` before and `T+00:00:10` after; days in front when there are any. */
export function countdown(from: number, to: number): string {
  const late = from > to;
  const seconds = Math.round(Math.abs(to - from) / 1000);
  const days = Math.floor(seconds / 86_400);
  const two = (n: number): string => String(n).padStart(2, '0');
  const hms = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `T${late ? '+' : '−'}${days > 0 ? `${days}d ` : ''}${hms}`;
}

/** `84 ms`, `2.4 s`, `12 min`, `3 h`, `5 d`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

export function count(n: number): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = n / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** Three to four significant digits: `0.314`, `4.44`, `12.8`, `1,204`. */
export function quantity(value: number): string {
  const size = Math.abs(value);
  const digits = size === 0 ? 0 : size < 1 ? 3 : size < 10 ? 2 : size < 1000 ? 1 : 0;
  const text = size.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return value < 0 ? `−${text}` : text;
}

/** A measure as people read it: long times in days or hours, everything else as its number. */
export function measured(value: number, unit: string): { value: string; unit: string } {
  if (unit === 's' && value >= 120) {
    const [number = '', word = ''] = duration(value * 1000).split(' ');
    return { value: number, unit: word };
  }
  return { value: quantity(value), unit };
}

const UNITS: readonly [suffix: string, unit: string][] = [
  ['_deg_per_day', '°/d'],
  ['_km_s', 'km/s'],
  ['_m_s', 'm/s'],
  ['_km', 'km'],
  ['_deg', '°'],
  ['_percent', '%'],
  ['_db', 'dB'],
  ['_m', 'm'],
  ['_s', 's'],
];

/** Splits a measure's field name, as in `miss_km`, into what is measured and its unit. */
export function measure(field: string): { name: string; unit: string } {
  const hit = UNITS.find(([suffix]) => field.endsWith(suffix));
  return hit ? { name: field.slice(0, -hit[0].length), unit: hit[1] } : { name: field, unit: '' };
}

/** What decides comes first; what is not listed keeps the node's order behind it. */
const FIRST = ['miss_km', 'min_km', 'mean_km', 'duration_s', 'relative_speed_km_s', 'radial_km', 'in_track_km', 'cross_track_km'];

export function ordered(measures: Record<string, number>): [field: string, value: number][] {
  const rank = (field: string): number => (FIRST.includes(field) ? FIRST.indexOf(field) : FIRST.length);
  return Object.entries(measures).sort(([a], [b]) => rank(a) - rank(b));
}

export function shortHash(hash: string): string {
  return hash.length > 12 ? hash.slice(0, 8) : hash;
}

/** Breaks nothing and loses nothing: groups of eight for a hash that people compare by eye. */
export function groupedHash(hash: string): string {
  return hash.match(/.{1,8}/g)?.join(' ') ?? hash;
}

export function coordinates(latitude: number, longitude: number): string {
  const part = (value: number, plus: string, minus: string): string =>
    `${Math.abs(value).toFixed(3)}°${value < 0 ? minus : plus}`;
  return `${part(latitude, 'N', 'S')} ${part(longitude, 'E', 'W')}`;
}

/** `norad:29268` becomes 29268; null for any other scheme. */
export function noradId(objectId: string): number | null {
  const hit = /^norad:(\d{1,10})$/.exec(objectId);
  return hit ? Number(hit[1]) : null;
}
