// Draws the globe in two layers: the Earth, redrawn only when the view, the theme or the minute changes; and the objects, redrawn every frame.
import { geoCircle, geoGraticule10, geoOrthographic, geoPath, type GeoPermissibleObjects } from 'd3-geo';

import type { Severity } from '../api';
import { beacons, PATHS } from '../severity';
import { onGround, project, subsolar, type Camera, type View } from './camera';

export interface Palette {
  sea: string;
  land: string;
  coast: string;
  grid: string;
  night: string;
  object: string;
  protected: string;
  label: string;
  halo: string;
  selected: string;
  severity: Readonly<Record<Severity, string>>;
}

export interface Scene {
  count: number;
  ids: Uint32Array;
  /** x, y, z in km per object. */
  position: Float32Array;
  /** Objects that get a name. */
  protectedIds: ReadonlySet<number>;
  names: ReadonlyMap<number, string>;
  /** Both ends of the chosen approach. */
  selected: readonly number[];
  spots: readonly Spot[];
}

/** Where something is on the ground, or below what is above it. */
export interface Spot {
  longitude: number;
  latitude: number;
  severity: Severity;
  chosen: boolean;
  /** Empty for none. */
  name: string;
}

export interface Pick {
  id: number;
  x: number;
  y: number;
}

const GRATICULE = geoGraticule10();
const NIGHT_RADIUS_DEG = 90;
const LABEL_GAP = 9;

export function palette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--globe-${name}`).trim();
  const severity = (level: Severity): string => style.getPropertyValue(beacons(level).colour).trim();
  return {
    sea: read('sea'),
    land: read('land'),
    coast: read('coast'),
    grid: read('grid'),
    night: read('night'),
    object: read('object'),
    protected: read('protected'),
    label: read('label'),
    halo: read('halo'),
    selected: read('selected'),
    severity: {
      1: severity(1),
      2: severity(2),
      3: severity(3),
      4: severity(4),
      5: severity(5),
    },
  };
}

export function drawEarth(
  context: CanvasRenderingContext2D,
  v: View,
  camera: Camera,
  land: GeoPermissibleObjects | null,
  time: number,
  colours: Palette,
): void {
  const projection = geoOrthographic()
    .translate([v.centreX, v.centreY])
    .scale(v.radius)
    .rotate([-camera.longitude, -camera.latitude])
    .clipAngle(90)
    .precision(0.5);
  const path = geoPath(projection, context);
  const fill = (object: GeoPermissibleObjects, colour: string): void => {
    context.beginPath();
    path(object);
    context.fillStyle = colour;
    context.fill();
  };
  const stroke = (object: GeoPermissibleObjects, colour: string, width: number): void => {
    context.beginPath();
    path(object);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  };
  context.clearRect(0, 0, v.width, v.height);
  fill({ type: 'Sphere' }, colours.sea);
  if (land) fill(land, colours.land);
  stroke(GRATICULE, colours.grid, 0.5);
  if (land) stroke(land, colours.coast, 0.8);
  const sun = subsolar(time);
  const night = geoCircle().center([sun.longitude + 180, -sun.latitude]).radius(NIGHT_RADIUS_DEG)();
  fill(night, colours.night);
  stroke({ type: 'Sphere' }, colours.coast, 1);
}

export function drawObjects(context: CanvasRenderingContext2D, v: View, scene: Scene, colours: Palette): void {
  const at = new Float64Array(3);
  const near: number[] = [];
  const size = v.radius > 700 ? 2 : v.radius > 200 ? 1.4 : 1;
  context.fillStyle = colours.object;
  for (let side = 0; side < 2; side += 1) {
    // Two passes, so that the faint far side never paints over the near one.
    context.globalAlpha = side === 0 ? 0.25 : 0.7;
    for (let k = 0; k < scene.count; k += 1) {
      const visible = projectAt(v, scene, k, at);
      if (!visible || (at[2]! >= 0) !== (side === 1)) continue;
      context.fillRect(at[0]! - size / 2, at[1]! - size / 2, size, size);
      if (side === 1 && scene.protectedIds.has(scene.ids[k]!)) near.push(k);
    }
  }
  context.globalAlpha = 1;
  drawSpots(context, v, scene.spots, colours);
  drawProtected(context, v, scene, colours, near);
  drawSelected(context, v, scene, colours);
}

function drawProtected(
  context: CanvasRenderingContext2D,
  v: View,
  scene: Scene,
  colours: Palette,
  near: readonly number[],
): void {
  const at = new Float64Array(3);
  const mark = new Path2D(PATHS.diamond);
  const marks: { id: number; x: number; y: number }[] = [];
  for (const k of near) {
    projectAt(v, scene, k, at);
    const [x, y] = [at[0]!, at[1]!];
    if (x < -20 || y < -20 || x > v.width + 20 || y > v.height + 20) continue;
    marks.push({ id: scene.ids[k]!, x, y });
    context.save();
    context.translate(x - 4, y - 4);
    context.scale(0.8, 0.8);
    context.fillStyle = colours.protected;
    context.fill(mark);
    context.restore();
  }
  // A name stays away where it would cover another mark or name: a crowd of geostationary names would be unreadable.
  context.font = labelFont(12);
  const taken: Box[] = marks.map(({ x, y }) => ({ left: x - 4, right: x + 4, top: y - 4, bottom: y + 4 }));
  for (const { id, x, y } of marks) {
    const name = scene.names.get(id);
    if (!name || scene.selected.includes(id)) continue;
    const left = labelLeft(context, v, name, x);
    const box = { left, right: left + context.measureText(name).width, top: y - 7, bottom: y + 7 };
    if (taken.some((other) => overlap(box, other))) continue;
    taken.push(box);
    drawLabel(context, v, name, x, y + 4, colours.label, colours.halo);
  }
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const overlap = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function drawSpots(context: CanvasRenderingContext2D, v: View, spots: readonly Spot[], colours: Palette): void {
  const at = new Float64Array(3);
  // The chosen one last, on top of the others.
  for (const spot of [...spots].sort((a, b) => Number(a.chosen) - Number(b.chosen))) {
    if (!project(v, ...onGround(spot.longitude, spot.latitude), at) || at[2]! < 0) continue;
    const scale = spot.chosen ? 1.3 : 0.8;
    context.save();
    context.translate(at[0]! - 5 * scale, at[1]! - 5 * scale);
    context.scale(scale, scale);
    context.fillStyle = spot.chosen ? colours.selected : colours.severity[spot.severity];
    context.strokeStyle = colours.halo;
    context.lineWidth = 1;
    const mark = new Path2D(PATHS[beacons(spot.severity).shape]);
    context.stroke(mark);
    context.fill(mark);
    context.restore();
    if (spot.name === '') continue;
    context.font = labelFont(13, 600);
    drawLabel(context, v, spot.name, at[0]!, at[1]! + 4, colours.selected, colours.halo);
  }
}

function drawSelected(context: CanvasRenderingContext2D, v: View, scene: Scene, colours: Palette): void {
  const spots: { x: number; y: number; hidden: boolean; id: number }[] = [];
  const at = new Float64Array(3);
  for (let k = 0; k < scene.count; k += 1) {
    const id = scene.ids[k]!;
    if (!scene.selected.includes(id)) continue;
    const visible = projectAt(v, scene, k, at);
    spots.push({ x: at[0]!, y: at[1]!, hidden: !visible, id });
  }
  context.strokeStyle = colours.selected;
  context.fillStyle = colours.selected;
  const [a, b] = spots;
  if (a && b) {
    context.lineWidth = 1.5;
    context.setLineDash(a.hidden || b.hidden ? [4, 4] : []);
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.lineTo(b.x, b.y);
    context.stroke();
    context.setLineDash([]);
  }
  const close = a && b && Math.hypot(a.x - b.x, a.y - b.y) < 16;
  context.font = labelFont(13, 600);
  spots.forEach((spot, index) => {
    context.lineWidth = 2;
    context.globalAlpha = spot.hidden ? 0.6 : 1;
    context.beginPath();
    context.arc(spot.x, spot.y, 6, 0, 2 * Math.PI);
    context.stroke();
    if (!spot.hidden) {
      context.beginPath();
      context.arc(spot.x, spot.y, 2, 0, 2 * Math.PI);
      context.fill();
    }
    const dy = close && index === 1 ? 19 : close ? -5 : 4;
    const name = scene.names.get(spot.id) ?? String(spot.id);
    drawLabel(context, v, name, spot.x, spot.y + dy, colours.selected, colours.halo);
    context.globalAlpha = 1;
  });
}

/** Beside the mark at x: to its right, or to its left where the picture ends. */
function labelLeft(context: CanvasRenderingContext2D, v: View, text: string, markX: number): number {
  const width = context.measureText(text).width;
  return markX + LABEL_GAP + width > v.width - 4 ? markX - LABEL_GAP - width : markX + LABEL_GAP;
}

function drawLabel(
  context: CanvasRenderingContext2D,
  v: View,
  text: string,
  markX: number,
  y: number,
  colour: string,
  halo: string,
): void {
  const x = labelLeft(context, v, text, markX);
  context.lineWidth = 3;
  context.lineJoin = 'round';
  context.strokeStyle = halo;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
  context.strokeStyle = colour;
}

function labelFont(px: number, weight = 400): string {
  return `${weight} ${px}px Pretendard, "Noto Sans KR", "Noto Sans CJK KR", system-ui, sans-serif`;
}

function projectAt(v: View, scene: Scene, k: number, out: Float64Array): boolean {
  return project(v, scene.position[3 * k]!, scene.position[3 * k + 1]!, scene.position[3 * k + 2]!, out);
}

/** The object nearest to a point on the canvas, protected ones first; null when none is within reach. */
export function pick(v: View, scene: Scene, x: number, y: number): Pick | null {
  const at = new Float64Array(3);
  let best: Pick | null = null;
  let bestDistance = 9;
  for (let k = 0; k < scene.count; k += 1) {
    if (!projectAt(v, scene, k, at)) continue;
    const [px, py] = [at[0]!, at[1]!];
    const bonus = scene.protectedIds.has(scene.ids[k]!) ? 4 : 0;
    const distance = Math.hypot(px - x, py - y) - bonus;
    if (distance < bestDistance) {
      bestDistance = distance;
      best = { id: scene.ids[k]!, x: px, y: py };
    }
  }
  return best;
}
