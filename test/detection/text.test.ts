// Text in pictures.
import test from 'ava';
import { fittingText, outlineText, svgText, textPath, textWidth } from '#lib/retinanet/drawing/text.js';

test('text becomes outlines, so that no font need be installed', (t) => {
  t.true(textWidth('WBC', { size: 20 }) > 1.5 * textWidth('WBC', { size: 10 }));
  t.true(textWidth('iii', { size: 10 }) < textWidth('WWW', { size: 10 }));
  const svg = svgText('a <b> & "c" Ωя ž', 1, 2, { size: 12, anchor: 'middle' });
  t.regex(svg, /^<path [^<>]* d="[^"<>]+"\/>$/);
  t.regex(svgText('<猫>', 0, 0, { size: 12 }), /^<text [^<>]*>&lt;猫&gt;<\/text>$/, "the system's fonts have to do");
  t.regex(
    svgText('a\u0001b\u001b\ufffe', 0, 0, { size: 12 }),
    />a\ufffdb\ufffd\ufffd<\/text>$/,
    'what XML cannot hold',
  );
  t.true(textWidth('猫', { size: 12 }) >= 12);
  t.is(fittingText('a name', 100, { size: 12 }), 'a name');
  const short = fittingText('a very long name of a class', 60, { size: 12 });
  t.regex(short, /^a .*…$/);
  t.true(textWidth(short, { size: 12 }) <= 60);
  for (let size = 8; size < 20; size += 0.25) {
    t.notRegex(
      textPath('RetinaNet on digits, after 12 training steps: AP50 .873 (97%)', { size, bold: true }),
      /NaN|e-/,
    );
  }
  const outlined = outlineText('<g><text text-anchor="end" font-size="12px" fill="#111">1 &lt; 2</text></g>');
  t.regex(outlined, /^<g><path [^<>]*fill="#111"[^<>]* d="[^"]+"\/><\/g>$/);
});
