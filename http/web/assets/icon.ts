export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#b3361b"/><path d="M7 9h8v6H7zM17 9h8v6h-8zM7 17h5v6H7zM14 17h11v6H14z" fill="#fff"/>
</svg>
`;
