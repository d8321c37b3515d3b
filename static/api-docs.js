// Boots the API documentation; swagger-ui-bundle.js is loaded before it and defines SwaggerUIBundle.
SwaggerUIBundle({
  url: "/api/v3/openapi.json",
  domNode: document.getElementById("api-docs"),
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
});
