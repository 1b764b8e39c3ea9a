;;; codriver.el --- Ghost text, review and refactor from a local Codriver  -*- lexical-binding: t -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1") (eglot "1.9"))
;; Keywords: tools, convenience

;;; Commentary:

;; Over eglot, which is part of Emacs 29 and newer and a package before.
;;
;;   (require 'codriver)
;;   (add-hook 'python-mode-hook #'codriver-start)
;;
;; `codriver-start' makes Codriver the buffer's language server and turns
;; `codriver-mode' on: suggestions as ghost text, TAB takes one.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)

(defgroup codriver nil "Ghost text, review and refactor." :group 'tools)

(defcustom codriver-command '("codriver" "lsp" "--stdio")
  "How the server is started."
  :type '(repeat string))

(defcustom codriver-delay 0.05
  "Seconds between the last key and the question."
  :type 'number)

(defface codriver-ghost '((t :inherit shadow)) "A suggestion.")

(defclass codriver-server (eglot-lsp-server) ()
  :documentation "Codriver, to whom eglot says that ghost text can be shown here.")

(cl-defmethod eglot-client-capabilities :around ((_server codriver-server))
  "What eglot can do, and ghost text."
  (let* ((able (copy-tree (cl-call-next-method)))
         (text (plist-get able :textDocument)))
    (plist-put able :textDocument
               (plist-put text :inlineCompletion '(:dynamicRegistration :json-false)))))

;;;###autoload
(defun codriver-start ()
  "Make Codriver the language server of this buffer, with ghost text."
  (interactive)
  (setq-local eglot-server-programs
              (list (cons major-mode (cons 'codriver-server codriver-command))))
  (add-hook 'eglot-managed-mode-hook #'codriver--managed nil t)
  (eglot-ensure))

(defun codriver--server ()
  "The buffer's server, when it is Codriver."
  (let ((server (and (bound-and-true-p eglot--managed-mode) (eglot-current-server))))
    (and (cl-typep server 'codriver-server) server)))

(defun codriver--managed ()
  "Ghost text comes and goes with the server."
  (codriver-mode (if (codriver--server) 1 -1)))

;;; Ghost text

(defvar-local codriver--item nil
  "The suggestion: a plist of :text :start (marker) :tail (string) :command.")
(defvar-local codriver--overlay nil)
(defvar-local codriver--visible nil "Whether a suggestion is on screen; its keys hold then.")
(defvar-local codriver--place nil "What was last asked for: text and place.")
(defvar-local codriver--timer nil)
(defvar-local codriver--turn 0 "Grows with every key; an answer to an older turn is dropped.")

(defvar codriver-ghost-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'codriver-accept)
    (define-key map (kbd "<tab>") #'codriver-accept)
    (define-key map (kbd "M-<right>") #'codriver-accept-word)
    (define-key map (kbd "M-<down>") #'codriver-accept-line)
    (define-key map (kbd "C-g") #'codriver-dismiss)
    map)
  "Keys while a suggestion is on screen.")

(defvar codriver-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "M-]") #'codriver-suggest)
    map))

;;;###autoload
(define-minor-mode codriver-mode
  "Suggestions of Codriver as ghost text."
  :lighter " Codriver"
  (if codriver-mode
      (add-hook 'post-command-hook #'codriver--moved nil t)
    (remove-hook 'post-command-hook #'codriver--moved t)
    (codriver--hide)))

(add-to-list 'minor-mode-map-alist (cons 'codriver--visible codriver-ghost-map))

(defun codriver--rest ()
  "What of the suggestion is still to come; nil when it does not fit the text any more."
  (when-let* ((item codriver--item)
              (start (marker-position (plist-get item :start)))
              (text (plist-get item :text)))
    (when (<= start (point))
      (let ((typed (buffer-substring-no-properties start (point)))
            (tail (plist-get item :tail)))
        (when (and (string-prefix-p typed text) (looking-at-p (regexp-quote tail)))
          (let ((rest (substring text (length typed))))
            (unless (member rest (list "" tail)) rest)))))))

(defun codriver--hide ()
  (setq codriver--visible nil)
  (when codriver--overlay (delete-overlay codriver--overlay)))

(defun codriver--draw ()
  "Show what is to be seen now, or nothing."
  (codriver--hide)
  (when-let* ((rest (codriver--rest)))
    (let* ((tail (plist-get codriver--item :tail))
           (shown (if (and (not (string-empty-p tail)) (string-suffix-p tail rest)
                           (not (string-match-p "\n" rest)))
                      (substring rest 0 (- (length tail)))
                    rest))
           (ghost (propertize shown 'face 'codriver-ghost)))
      (put-text-property 0 (min 1 (length ghost)) 'cursor t ghost) ; the cursor stays before it
      (setq codriver--overlay (or codriver--overlay (make-overlay (point) (point))))
      (move-overlay codriver--overlay (point) (point) (current-buffer))
      (overlay-put codriver--overlay 'after-string ghost)
      (setq codriver--visible t))))

(defun codriver--forget ()
  (setq codriver--item nil)
  (cl-incf codriver--turn)
  (when codriver--timer (cancel-timer codriver--timer))
  (codriver--hide))

(defun codriver--moved ()
  "After a command: what was shown is drawn anew if it still fits, and the server is asked shortly."
  (let ((place (cons (buffer-chars-modified-tick) (point))))
    (unless (equal place codriver--place)
      (let ((typed (not (eq (car place) (car codriver--place)))))
        (setq codriver--place place)
        (codriver--draw)
        (cl-incf codriver--turn)
        (when codriver--timer (cancel-timer codriver--timer))
        (when (and typed (not (region-active-p)) (not completion-in-region-mode))
          (setq codriver--timer
                (run-with-timer codriver-delay nil #'codriver--ask-in (current-buffer) codriver--turn)))))))

(defun codriver--ask-in (buffer turn)
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (when (and codriver-mode (eql turn codriver--turn) (eq buffer (window-buffer)))
        (codriver--ask 2)))))

(defun codriver-suggest ()
  "Ask for a suggestion now."
  (interactive)
  (codriver--ask 1))

(defun codriver--ask (kind)
  (when-let* ((server (codriver--server)))
    (eglot--signal-textDocument/didChange)
    (let ((buffer (current-buffer)) (turn codriver--turn) (here (point)))
      (jsonrpc-async-request
       server :textDocument/inlineCompletion
       (list :textDocument (eglot--TextDocumentIdentifier)
             :position (eglot--pos-to-lsp-position here)
             :context (list :triggerKind kind))
       :success-fn (lambda (result)
                     (when (buffer-live-p buffer)
                       (with-current-buffer buffer
                         (when (and (eql turn codriver--turn) (eql here (point)))
                           (codriver--take (if (vectorp result) result (plist-get result :items)))))))
       :error-fn #'ignore :timeout-fn #'ignore :deferred nil))))

(defun codriver--take (items)
  "Show the first of ITEMS."
  (setq codriver--item nil)
  (when (> (length items) 0)
    (let* ((raw (elt items 0)) (range (plist-get raw :range))
           (start (if range (eglot--lsp-position-to-point (plist-get range :start)) (point)))
           (end (if range (eglot--lsp-position-to-point (plist-get range :end)) (point))))
      (when (and (stringp (plist-get raw :insertText)) (<= start (point) (max end (point))))
        (setq codriver--item
              (list :text (replace-regexp-in-string "\r\n?" "\n" (plist-get raw :insertText))
                    :start (copy-marker start)
                    :tail (buffer-substring-no-properties (point) (max end (point)))
                    :command (plist-get raw :command))))))
  (codriver--draw))

(defun codriver--first (text unit)
  "The next `word' (with the space before it) or `line' of TEXT."
  (string-match (if (eq unit 'line) "\\`\n?[^\n]*" "\\`[ \t\n]*\\(?:\\(?:\\w\\|_\\)+\\|[^[:space:][:word:]_]+\\|\\'\\)") text)
  (match-string 0 text))

(defun codriver--accept (unit)
  (when-let* ((rest (codriver--rest)) (item codriver--item))
    (let* ((part (if unit (codriver--first rest unit) rest))
           (whole (equal part rest))
           (command (plist-get item :command)))
      (undo-boundary)
      (when whole (delete-region (point) (+ (point) (length (plist-get item :tail)))))
      (insert part)
      (when command
        (codriver--run (if whole (plist-get command :command) "codriver.partlyAccepted")
                       (plist-get command :arguments) #'ignore))
      (if whole (codriver--forget) (codriver--draw)))))

(defun codriver-accept () "Take the suggestion." (interactive) (codriver--accept nil))
(defun codriver-accept-word () "Take the next word of it." (interactive) (codriver--accept 'word))
(defun codriver-accept-line () "Take it up to the end of its line." (interactive) (codriver--accept 'line))

(defun codriver-dismiss ()
  "Take the suggestion away: it is not wanted."
  (interactive)
  (when-let* ((command (plist-get codriver--item :command)))
    (codriver--run "codriver.rejected" (plist-get command :arguments) #'ignore))
  (codriver--forget))

;;; Commands

(defun codriver--run (name arguments done)
  "Have the server run the command NAME; DONE gets its result."
  (let ((server (or (codriver--server) (user-error "Codriver: no server here; M-x codriver-start"))))
    (jsonrpc-async-request
     server :workspace/executeCommand (list :command name :arguments arguments)
     :success-fn done :timeout 120
     :error-fn (lambda (err) (message "Codriver: %s" (plist-get err :message))))))

(defun codriver--place ()
  "The region, or point as an empty range."
  (let ((first (if (use-region-p) (region-beginning) (point)))
        (last (if (use-region-p) (region-end) (point))))
    (list :start (eglot--pos-to-lsp-position first) :end (eglot--pos-to-lsp-position last))))

(defun codriver--wish (&rest more)
  (vector (append (eglot--TextDocumentIdentifier) more)))

(defun codriver--by (result)
  "Who did it and for how much, so that nobody takes a simulated answer for a model's."
  (let ((cost (or (plist-get result :cost) 0)))
    (concat (or (plist-get result :model) "?")
            (if (eq (plist-get result :simulated) t) " (simulated)" "")
            (if (> cost 0) (format ", $%.4f" cost) ""))))

(defun codriver--change (name &rest more)
  (codriver--run name (apply #'codriver--wish :range (codriver--place) more)
                 (lambda (result)
                   (message "Codriver: %s, by %s" (or (plist-get result :summary) "done") (codriver--by result)))))

(defun codriver-refactor (instruction)
  "Change the region, or what is around point, by INSTRUCTION."
  (interactive "sRefactor: ")
  (codriver--change "codriver.refactor" :instruction instruction))

(defun codriver-document () "Document the region or what is around point." (interactive)
       (codriver--change "codriver.document"))

(defun codriver-fix () "Mend what a review found at point." (interactive)
       (codriver--change "codriver.fix"))

(defun codriver-tests () "Write tests into a new file." (interactive)
       (codriver--change "codriver.tests"))

(defun codriver-review ()
  "Review the region or the buffer; the findings are diagnostics."
  (interactive)
  (codriver--run "codriver.review"
                 (if (use-region-p) (codriver--wish :range (codriver--place)) (codriver--wish))
                 (lambda (result)
                   (message "Codriver: %d finding(s), by %s" (or (plist-get result :findings) 0)
                            (codriver--by result)))))

(defun codriver--show (text)
  (with-current-buffer (get-buffer-create "*codriver*")
    (let ((inhibit-read-only t)) (erase-buffer) (insert text))
    (goto-char (point-min))
    (special-mode)
    (display-buffer (current-buffer))))

(defun codriver-explain ()
  "Explain the region or what is around point."
  (interactive)
  (codriver--run "codriver.explain" (codriver--wish :range (codriver--place))
                 (lambda (result)
                   (codriver--show (format "%s\n\n%s" (plist-get result :text) (codriver--by result))))))

(defun codriver-commit-message ()
  "Write a commit message: into a commit's buffer, else into a window."
  (interactive)
  (let ((buffer (current-buffer)))
    (codriver--run "codriver.commitMessage" (codriver--wish)
                   (lambda (result)
                     (let ((text (plist-get result :text)))
                       (if (string-match-p "COMMIT_EDITMSG" (buffer-name buffer))
                           (with-current-buffer buffer (save-excursion (goto-char (point-min)) (insert text "\n")))
                         (codriver--show text)))))))

(defun codriver-status ()
  "The last request's model, and what today cost."
  (interactive)
  (codriver--run "codriver.status" []
                 (lambda (result)
                   (message "Codriver: %s, $%.2f today" (codriver--by result) (or (plist-get result :cost_today) 0)))))

(provide 'codriver)
;;; codriver.el ends here
