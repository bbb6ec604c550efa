import { describe, expect, it } from 'vitest';

import { below, EARTH_RADIUS_KM, onGround, project, subsolar, turned, view, zoomed } from './camera';

const R = EARTH_RADIUS_KM;
const looking = view({ longitude: 0, latitude: 0, zoom: 1 }, 800, 600);

describe('project', () => {
  const at = new Float64Array(3);

  it('puts what is looked at in the middle, north up and east right', () => {
    expect(project(looking, R, 0, 0, at)).toBe(true);
    expect([at[0], at[1]]).toEqual([400, 300]);
    project(looking, R, 0, 100, at);
    expect(at[1]).toBeLessThan(300);
    project(looking, R, 100, 0, at);
    expect(at[0]).toBeGreaterThan(400);
  });

  it('hides what is behind the Earth, and only that', () => {
    expect(project(looking, -7000, 0, 0, at)).toBe(false);
    expect(project(looking, -7000, 0, 6400, at)).toBe(true);
    expect(project(looking, 42_164, 0, 0, at)).toBe(true);
  });

  it('agrees with the point below', () => {
    const v = view({ longitude: 127, latitude: 37, zoom: 1 }, 800, 600);
    const lon = (127 * Math.PI) / 180;
    const lat = (37 * Math.PI) / 180;
    const p = [7000 * Math.cos(lat) * Math.cos(lon), 7000 * Math.cos(lat) * Math.sin(lon), 7000 * Math.sin(lat)] as const;
    project(v, ...p, at);
    expect(at[0]).toBeCloseTo(400, 6);
    expect(at[1]).toBeCloseTo(300, 6);
    expect(below(...p).longitude).toBeCloseTo(127, 9);
    expect(below(...p).latitude).toBeCloseTo(37, 9);
    const ground = below(...onGround(-179, -89));
    expect([ground.longitude, ground.latitude].map((d) => Math.round(d * 1e6) / 1e6)).toEqual([-179, -89]);
  });
});

describe('the camera', () => {
  it('turns past the date line and stops at the poles', () => {
    expect(turned({ longitude: 175, latitude: 80, zoom: 1 }, 10, 20)).toEqual({ longitude: -175, latitude: 90, zoom: 1 });
  });

  it('zooms within its limits', () => {
    expect(zoomed({ longitude: 0, latitude: 0, zoom: 1 }, 1e9).zoom).toBe(12);
    expect(zoomed({ longitude: 0, latitude: 0, zoom: 1 }, 1e-9).zoom).toBe(0.14);
  });
});

describe('subsolar', () => {
  // Almanac values; the picture needs a degree.
  it.each([
    ['2026-03-20T14:46:00Z', 0, -39.6],
    ['2026-06-21T08:25:00Z', 23.44, 54.2],
    ['2026-12-21T20:50:00Z', -23.44, -133],
  ])('at %s', (time, latitude, longitude) => {
    const sun = subsolar(Date.parse(time));
    expect(Math.abs(sun.latitude - latitude)).toBeLessThan(0.3);
    expect(Math.abs(sun.longitude - longitude)).toBeLessThan(1);
  });
});
