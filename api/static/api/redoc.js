"use strict";

// ReDoc loads its vendor's logo from another origin; block images of other origins.
const image = HTMLImageElement.prototype;
const { setAttribute } = image;
const src = Object.getOwnPropertyDescriptor(image, "src");

function isRefused(element, url) {
  if (new URL(url, location.href).origin === location.origin) return false;
  setTimeout(() => element.dispatchEvent(new Event("error"))); // ReDoc then removes the image
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
