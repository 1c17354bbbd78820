// The camera.

import { $ } from './page.js';

const WIDTH = 1920; // that is asked for, in pixels
const QUALITY = 0.95; // of the JPEG
let stream = null;

// Show what the camera sees. Rejects where there is no camera, no permission, or no secure connection.
export async function openCamera() {
  stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: WIDTH } } });
  $('video').srcObject = stream;
  $('.camera').hidden = false;
  await $('video').play();
  $('.shoot').focus();
}

// Whether it was open.
export function closeCamera() {
  const wasOpen = Boolean(stream);
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  $('.camera').hidden = true;
  return wasOpen;
}

// What the camera sees now, as a File.
export async function takePicture() {
  const video = $('video'), canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext('2d').drawImage(video, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  return new File([blob], 'camera.jpg', { type: 'image/jpeg' });
}
