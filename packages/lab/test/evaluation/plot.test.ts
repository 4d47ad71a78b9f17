import { expect, test } from 'vitest';
import { calibrationPlot } from '../../evaluation/monitored/plot.ts';
import { calibrated } from '../../evaluation/monitored/report.ts';

const calibration = calibrated([
  ...Array.from({ length: 4 }, (_, index) => ({ confidence: 0.75, isTrue: index > 0 })),
  ...Array.from({ length: 12 }, () => ({ confidence: 0.05, isTrue: false })),
]);

test('a reliability plot has a point for each bin with cases, at its confidence and its share', () => {
  const svg = calibrationPlot(calibration, 'Calibration');
  const circles = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"><title>([^<]+)/g)];
  // The frame begins at 56, 44, and is 320 wide and high.
  expect(circles.map((found) => found.slice(1))).toEqual([
    ['72.0', '364.0', '22.5', 'confidence 0.05: the cause in 0.00 of 12 cases'],
    ['296.0', '124.0', '13.0', 'confidence 0.75: the cause in 0.75 of 4 cases'],
  ]);
  expect(svg).toContain('expected calibration error 0.037 in 16 cases');
  expect(svg).not.toContain('NaN');
});

test('a plot without cases is empty', () => {
  const svg = calibrationPlot(calibrated([]), 'Calibration');
  expect(svg).not.toContain('<circle');
  expect(svg).not.toContain('NaN');
});
