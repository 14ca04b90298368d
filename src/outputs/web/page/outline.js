// The coarse outline of what the camera sees, if the device sends one.

export function drawOutline(canvas, card, event) {
  card.hidden = !event.outline;
}
