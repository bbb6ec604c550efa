// From what the officer typed to a report, or to the list of what is wrong with it.
import type { Confidence, Likelihood, Precedence, ReportDraft, Severity } from './api';
import { millis } from './format';
import type { Key } from './i18n/translate';

export interface ReportForm {
  title: string;
  text: string;
  severity: Severity;
  confidence: Confidence;
  likelihood: Likelihood | '';
  precedence: Precedence | '';
  level: string;
  relTo: string[];
  relOther: string;
  caveats: string[];
  objects: string;
  latitude: string;
  longitude: string;
  start: string;
  end: string;
}

export interface Problem {
  field: keyof ReportForm;
  key: Key;
  word?: string;
}

export const LEVELS = ['UNCLASSIFIED', 'RESTRICTED', 'CONFIDENTIAL', 'SECRET', 'TOP SECRET'] as const;
export const CAVEATS = ['NOFORN', 'ORCON', 'EXERCISE'] as const;
export const CONFIDENCES: readonly Confidence[] = ['low', 'moderate', 'high'];
export const PRECEDENCES: readonly Precedence[] = ['flash', 'immediate', 'priority', 'routine'];
export const LIKELIHOODS: readonly Likelihood[] = [
  'almost_no_chance',
  'very_unlikely',
  'unlikely',
  'roughly_even_chance',
  'likely',
  'very_likely',
  'almost_certain',
];
const TITLE_MAX = 200;
const TEXT_MAX = 10_000;

export const emptyReport = (): ReportForm => ({
  title: '',
  text: '',
  severity: 2,
  confidence: 'moderate',
  likelihood: '',
  precedence: '',
  level: 'RESTRICTED',
  relTo: [],
  relOther: '',
  caveats: [],
  objects: '',
  latitude: '',
  longitude: '',
  start: '',
  end: '',
});

export const words = (text: string): string[] =>
  text
    .split(/[,;]/)
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** The release list as it would be sent: sorted, in capitals, each country or group once. */
export const countries = (form: ReportForm): string[] =>
  [...new Set([...form.relTo, ...words(form.relOther)].map((c) => c.toUpperCase()))].sort();

export function check(form: ReportForm): Problem[] {
  const problems: Problem[] = [];
  const bad = (field: keyof ReportForm, key: Key, word?: string): void => {
    problems.push(word === undefined ? { field, key } : { field, key, word });
  };
  if (form.title.trim() === '') bad('title', 'report.error.title.missing');
  if ([...form.title].length > TITLE_MAX) bad('title', 'report.error.title.long');
  if ([...form.text].length > TEXT_MAX) bad('text', 'report.error.text.long');
  for (const word of countries(form)) if (!/^[A-Z]{3,4}$/.test(word)) bad('relOther', 'report.error.country', word);
  if (form.caveats.includes('NOFORN') && countries(form).length > 0) bad('caveats', 'report.error.noforn');
  for (const word of words(form.objects)) {
    if (!/^\d{1,10}$/.test(word) || Number(word) > 0xffff_ffff) bad('objects', 'report.error.object', word);
  }
  if (!placeIsRight(form)) bad('latitude', 'report.error.place');
  for (const field of ['start', 'end'] as const) {
    const time = form[field].trim();
    if (time !== '' && !isTime(time)) bad(field, 'report.error.time', time);
  }
  if (isTime(form.start.trim()) && isTime(form.end.trim()) && millis(form.end.trim()) < millis(form.start.trim())) {
    bad('end', 'report.error.order');
  }
  return problems;
}

/** Only for a form in which `check` finds nothing. */
export function draft(form: ReportForm, originator: string): ReportDraft {
  const or = (text: string): string | null => (text.trim() === '' ? null : text.trim());
  return {
    title: form.title.trim(),
    text: or(form.text),
    severity: form.severity,
    confidence: form.confidence,
    likelihood: form.likelihood === '' ? null : form.likelihood,
    objects: words(form.objects).map((word) => ({ id: `norad:${Number(word)}` })),
    place:
      or(form.latitude) === null
        ? null
        : { latitude_deg: Number(form.latitude), longitude_deg: Number(form.longitude) },
    marking: {
      level: form.level,
      rel_to: countries(form),
      caveats: [...form.caveats].sort(),
      originator,
    },
    start: or(form.start),
    end: or(form.end),
    precedence: form.precedence === '' ? null : form.precedence,
  };
}

function placeIsRight(form: ReportForm): boolean {
  const [latitude, longitude] = [form.latitude.trim(), form.longitude.trim()];
  if (latitude === '' && longitude === '') return true;
  if (latitude === '' || longitude === '') return false;
  return Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 180;
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) && Number.isFinite(millis(text));
}
