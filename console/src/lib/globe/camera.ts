// An orthographic look at the Earth: what a point in Earth-fixed kilometres becomes on the canvas.

export const EARTH_RADIUS_KM = 6378.137;
const DEG = Math.PI / 180;

export interface Camera {
  /** What is in the middle. */
  longitude: number;
  latitude: number;
  /** 1 shows the Earth with low orbits around it. */
  zoom: number;
}

export interface View {
  width: number;
  height: number;
  centreX: number;
  centreY: number;
  /** The Earth's radius in pixels. */
  radius: number;
  /** Rows of the rotation: right, up, toward the eye. */
  right: readonly [number, number];
  up: readonly [number, number, number];
  toward: readonly [number, number, number];
}

export const HOME: Camera = { longitude: 127.5, latitude: 24, zoom: 1 };
export const ZOOM_MIN = 0.14;
export const ZOOM_MAX = 12;

export function view(camera: Camera, width: number, height: number): View {
  const [sinLon, cosLon] = [Math.sin(camera.longitude * DEG), Math.cos(camera.longitude * DEG)];
  const [sinLat, cosLat] = [Math.sin(camera.latitude * DEG), Math.cos(camera.latitude * DEG)];
  return {
    width,
    height,
    centreX: width / 2,
    centreY: height / 2,
    radius: 0.385 * Math.min(width, height) * camera.zoom,
    right: [-sinLon, cosLon],
    up: [-sinLat * cosLon, -sinLat * sinLon, cosLat],
    toward: [cosLat * cosLon, cosLat * sinLon, sinLat],
  };
}

/** Writes x and y in pixels and the depth in km (positive: our side); returns false when the Earth hides the point. */
export function project(v: View, x: number, y: number, z: number, out: Float64Array): boolean {
  const a = v.right[0] * x + v.right[1] * y;
  const b = v.up[0] * x + v.up[1] * y + v.up[2] * z;
  const depth = v.toward[0] * x + v.toward[1] * y + v.toward[2] * z;
  const scale = v.radius / EARTH_RADIUS_KM;
  out[0] = v.centreX + a * scale;
  out[1] = v.centreY - b * scale;
  out[2] = depth;
  return depth >= 0 || a * a + b * b >= EARTH_RADIUS_KM * EARTH_RADIUS_KM;
}

export function turned(camera: Camera, degreesEast: number, degreesNorth: number): Camera {
  const longitude = ((((camera.longitude + degreesEast + 180) % 360) + 360) % 360) - 180;
  return { ...camera, longitude, latitude: clamp(camera.latitude + degreesNorth, -90, 90) };
}

export function zoomed(camera: Camera, factor: number): Camera {
  return { ...camera, zoom: clamp(camera.zoom * factor, ZOOM_MIN, ZOOM_MAX) };
}

/** The point of the Earth's surface below a position. Spherical: good enough to look at. */
export function below(x: number, y: number, z: number): { longitude: number; latitude: number } {
  return { longitude: Math.atan2(y, x) / DEG, latitude: Math.atan2(z, Math.hypot(x, y)) / DEG };
}

/** The other way round: Earth-fixed kilometres of a point on the ground. */
export function onGround(longitude: number, latitude: number): [number, number, number] {
  const around = EARTH_RADIUS_KM * Math.cos(latitude * DEG);
  return [
    around * Math.cos(longitude * DEG),
    around * Math.sin(longitude * DEG),
    EARTH_RADIUS_KM * Math.sin(latitude * DEG),
  ];
}

/** Where the Sun stands overhead, to about half a degree: low-precision formula of the Astronomical Almanac (page C5). */
export function subsolar(time: number): { longitude: number; latitude: number } {
  const days = time / 86_400_000 - 10_957.5;
  const meanLongitude = 280.46 + 0.985_647_4 * days;
  const anomaly = (357.528 + 0.985_600_3 * days) * DEG;
  const ecliptic = (meanLongitude + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * DEG;
  const obliquity = (23.439 - 4e-7 * days) * DEG;
  const rightAscension = Math.atan2(Math.cos(obliquity) * Math.sin(ecliptic), Math.cos(ecliptic)) / DEG;
  const latitude = Math.asin(Math.sin(obliquity) * Math.sin(ecliptic)) / DEG;
  const siderealDegrees = 280.460_618_37 + 360.985_647_366_29 * days;
  return { longitude: wrap(rightAscension - siderealDegrees), latitude };
}

function wrap(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
