// The coarse outline of what the camera sees, if the device sends one; as in a mirror.

export function drawOutline(canvas, card, { outline }) {
  card.hidden = !outline;
  if (!outline) return;
  const { width, cells } = outline;
  const height = Math.floor((cells.length * 4) / width);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  for (let i = 0; i < width * height; i += 1) {
    const isOutline = (parseInt(cells[i >> 2], 16) >> (3 - (i & 3))) & 1;
    if (isOutline) context.fillRect(width - 1 - (i % width), Math.floor(i / width), 1, 1);
  }
}
