"use strict";

const root = document.getElementById("swagger-ui");
const options = JSON.parse(document.getElementById("options").textContent);

/** Plugin that folds the guide, so that the first screen has the log-in and the operations. */
const foldGuide = ({ React, specSelectors }) => ({
  wrapComponents: {
    InfoContainer: (Original) => (props) => {
      const info = specSelectors.info();
      return React.createElement(
        "div",
        { className: "folded-info" },
        React.createElement("h1", null, info.get("title"), " ", React.createElement("small", null, info.get("version"))),
        React.createElement(
          "details",
          null,
          React.createElement("summary", null, root.dataset.guide),
          React.createElement(Original, props),
        ),
      );
    },
  },
});

/** Plugin that groups the examples of a body by `x-group`: the kind of report. */
const groupExamples = ({ React }) => ({
  wrapComponents: {
    ExamplesSelect: (Original) =>
      class extends Original {
        render() {
          const element = super.render();
          const [label, select] = element.props.children;
          const [modified, examples] = select.props.children;
          const groups = this.props.examples.map((example) => example.get("x-group")).toOrderedSet();
          if (groups.includes(undefined)) return element;
          const options = examples.toArray();
          const members = groups.toArray().map((group) =>
            React.createElement(
              "optgroup",
              { key: group, label: group },
              options.filter(({ key }) => this.props.examples.getIn([key, "x-group"]) === group),
            ),
          );
          return React.cloneElement(element, {}, label, React.cloneElement(select, {}, modified, members));
        }
      },
  },
});

const labels = JSON.parse(document.getElementById("labels").textContent);

/** Translate a text of Swagger UI, with the colon and spaces around it; return others unchanged. */
function translate(text) {
  if (typeof text !== "string") return text;
  if (Object.hasOwn(labels, text)) return labels[text];
  const [, start, label, end] = /^(\s*(?:<i>)?)(.*?)((?:<\/i>.*)?[:\s]*)$/s.exec(text);
  return Object.hasOwn(labels, label) ? start + labels[label] + end : text;
}

/** Plugin that translates the labels: Swagger UI makes every element with this function. */
const translateLabels = ({ React }) => {
  const { createElement } = React;
  const data = ["code", "pre", "option"];
  React.createElement = (type, props, ...children) => {
    if (!data.includes(type)) children = children.map(translate);
    const names = ["placeholder", "title", "aria-label", "source"].filter((name) => props?.[name]);
    const texts = Object.fromEntries(names.map((name) => [name, translate(props[name])]));
    return createElement(type, names.length ? { ...props, ...texts } : props, ...children);
  };
  return {};
};

root.style.setProperty("--required", JSON.stringify(labels.required));
SwaggerUIBundle({
  ...options,
  domNode: root,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [translateLabels, foldGuide, groupExamples],
  layout: "BaseLayout",
  requestInterceptor: (request) => {
    request.headers["Accept-Language"] ??= document.documentElement.lang;
    return request;
  },
});
