// Adds Django's CSRF token to the searches that the admin's autocomplete fields post.
django.jQuery.ajaxPrefilter((options, original, request) => {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field && options.type === "POST" && !options.crossDomain) {
    request.setRequestHeader("X-CSRFToken", field.value);
  }
});
