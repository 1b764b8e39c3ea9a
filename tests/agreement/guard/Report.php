<?php

class Report
{
  public function lines(array $rows, $most = 10)
  {
    foreach ($rows as $row) {
      if (empty($row) || count($rows) >= $most) {
        continue;
      } elseif ($row['kind'] === 'head' && $row['text']) {
        $this->add($row['text']);
      } else {
        $this->add($row['text'] ?? '');
      }
    }
    return $most > 0 ? $rows : null;
  }

  public function kind($code)
  {
    switch ($code) {
      case 1:
      case 2:
        return 'small';
      default:
        return 'none';
    }
  }

  public function read($file)
  {
    for ($i = 0; $i < 3; $i++) {
      try {
        return $file->read();
      } catch (\Error $e) {
        while ($file->busy());
      }
    }
  }
}
