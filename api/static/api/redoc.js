"use strict";

// ReDoc would load its maker's logo from their server; nothing of ours asks outside.
const image = HTMLImageElement.prototype;
const { setAttribute } = image;
const src = Object.getOwnPropertyDescriptor(image, "src");

function isRefused(element, url) {
  if (new URL(url, location.href).origin === location.origin) return false;
  setTimeout(() => element.dispatchEvent(new Event("error"))); // so that it is taken away
  return true;
}

image.setAttribute = function (name, value) {
  if (name !== "src" || !isRefused(this, value)) setAttribute.call(this, name, value);
};
Object.defineProperty(image, "src", {
  ...src,
  set(value) {
    if (!isRefused(this, value)) src.set.call(this, value);
  },
});
