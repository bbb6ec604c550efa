// Questions whether an item of one node may go on from another, and what an originator may answer.

import type { ReleaseRequest } from './api';

/** The longest time that the node lets a grant hold. */
export const MAX_HOURS = 24 * 365;

/** The hours in a field: above 0 and at most a year; `null` for anything else. */
export function hoursOf(text: string): number | null {
  const trimmed = text.trim();
  const hours = /^\d+([.,]\d+)?$/.test(trimmed) ? Number(trimmed.replace(',', '.')) : Number.NaN;
  return hours > 0 && hours <= MAX_HOURS ? hours : null;
}

/** Whether this node is asked: what it asked itself is for others to answer. A grant may be given again, or taken back. */
export const isAsked = (request: ReleaseRequest, own: string): boolean => request.from !== own;
